/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/head.h"

const struct head_format head_formats[32] = {
    {HEAD_NIL, 0},   {HEAD_NEVER, 0}, {HEAD_BOOL, 0}, {HEAD_BOOL, 0},  // nil, unused, false, true
    {HEAD_BIN, 1},   {HEAD_BIN, 2},   {HEAD_BIN, 4},                   // bin 8, 16, 32
    {HEAD_EXT, 0},   {HEAD_EXT, 0},   {HEAD_EXT, 0},                   // ext 8, 16, 32
    {HEAD_FLOAT, 4}, {HEAD_FLOAT, 8},                                  // float 32, 64
    {HEAD_UINT, 1},  {HEAD_UINT, 2},  {HEAD_UINT, 4}, {HEAD_UINT, 8},  // uint 8, 16, 32, 64
    {HEAD_INT, 1},   {HEAD_INT, 2},   {HEAD_INT, 4},  {HEAD_INT, 8},   // int 8, 16, 32, 64
    {HEAD_EXT, 0},   {HEAD_EXT, 0},   {HEAD_EXT, 0},  {HEAD_EXT, 0},   // fixext 1, 2, 4, 8
    {HEAD_EXT, 0},                                                     // fixext 16
    {HEAD_STR, 1},   {HEAD_STR, 2},   {HEAD_STR, 4},                   // str 8, 16, 32
    {HEAD_ARRAY, 2}, {HEAD_ARRAY, 4}, {HEAD_MAP, 2},  {HEAD_MAP, 4},   // array and map 16, 32
};
