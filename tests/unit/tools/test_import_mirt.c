/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirt's coefficient tables. Expected values are exact: the slopes are powers of two. */
#include "tools_test.h"

Test(import_mirt, reads_traditional_parameters)
{
    struct import_options options = {.model = "GPCM"};
    struct trial trial = try_plain("\"\",a,b,g,u\nItem.1,1.25,-0.385,0,1\nItem.2,1,2,0.125,1\n");

    expect_imported(&trial, "mirt", 2);
    cr_expect_str_eq(trial.imported.note, "model 3PL: every d is 1");
    expect_item(&trial, 0, "{'id':'Item.1','model':'3PL','a':1.25,'b':-0.385,'c':0.0}");
    expect_item(&trial, 1, "{'id':'Item.2','model':'3PL','a':1.0,'b':2.0,'c':0.125}");
    trial_done(&trial);

    trial = try_import("\"\",a,b,g,u,b1,b2\nd,1.25,-0.385,0,1,NA,NA\np,0.5,NA,NA,NA,1.385,-2\n",
                       &options);
    expect_imported(&trial, "mirt", 2);
    expect_item(&trial, 0, "{'id':'d','model':'2PL','a':1.25,'b':-0.385}");
    expect_item(&trial, 1, "{'id':'p','model':'GPCM','a':0.5,'b':[1.385,-2.0]}");
    trial_done(&trial);

    options.model = "GRM";
    trial = try_import("\"\",a,b1,b2\np,0.5,-2,1.385\n", &options);
    expect_imported(&trial, "mirt", 1);
    cr_expect_str_eq(trial.imported.note, "");
    expect_item(&trial, 0, "{'id':'p','model':'GRM','a':0.5,'b':[-2.0,1.385]}");
    trial_done(&trial);
}

Test(import_mirt, wants_to_know_graded_from_partial_credit)
{
    struct import_options options = {.model = "3PL"};

    expect_refused("\"\",a,b1,b2\np,0.5,1.385,-2\n", &(struct import_options){0},
                   "columns b1, b2, .. do not tell graded from partial credit items: say --model "
                   "GRM or --model GPCM");
    expect_refused("\"\",a,b1,b2\np,0.5,1.385,-2\n", &options, "model 3PL is none of GRM, GPCM");
}

Test(import_mirt_slope, converts_intercepts)
{
    struct trial trial = try_plain("\"\",a1,d,g,u,d1,d2,ak0,ak1,ak2,d0\n"
                                   "dich,2,-0.385,0.25,0.75,NA,NA,NA,NA,NA,NA\n"
                                   "graded,0.5,NA,NA,NA,1.5,-0.25,NA,NA,NA,NA\n"
                                   "gpcm,2,NA,NA,NA,1.5,0.25,0,1,2,0\n"
                                   "nominal,2,NA,NA,NA,1.5,0.25,0.25,0.5,2,0.5\n");

    expect_imported(&trial, "mirt-slope", 4);
    expect_item(&trial, 0, "{'id':'dich','model':'4PL','a':2.0,'b':0.1925,'c':0.25,'d':0.75}");
    expect_item(&trial, 1, "{'id':'graded','model':'GRM','a':0.5,'b':[-3.0,0.5]}");
    expect_item(&trial, 2, "{'id':'gpcm','model':'GPCM','a':2.0,'b':[-0.75,0.625]}");
    expect_item(&trial, 3, "{'id':'nominal','model':'NRM','a':[0.5,3.5],'c':[1.0,-0.25]}");
    trial_done(&trial);
}

/* Estimated or rounded on the way, the weights of a partial credit item are not quite whole. */
Test(import_mirt_slope, knows_partial_credit_by_weights_close_to_whole)
{
    struct trial trial = try_plain("\"\",a1,d1,d2,ak0,ak1,ak2,d0\n"
                                   "near,2,1.5,0.25,0,0.9999995,2.0000005,0\n"
                                   "far,2,1.5,0.25,0,1.00001,2,0\n");

    expect_imported(&trial, "mirt-slope", 2);
    expect_item(&trial, 0, "{'id':'near','model':'GPCM','a':2.0,'b':[-0.75,0.625]}");
    expect_item(&trial, 1, "{'id':'far','model':'NRM','a':[2.00002,4.0],'c':[1.5,0.25]}");
    trial_done(&trial);
}

Test(import_mirt_slope, takes_several_dimensions_as_they_are)
{
    struct trial trial = try_plain("\"\",a1,a2,d,g,u,d1,d2,ak0,ak1,ak2,d0\n"
                                   "dich,2,0,-0.385,0.25,1,NA,NA,NA,NA,NA,NA\n"
                                   "graded,0.5,-1.1,NA,NA,NA,1.5,-0.25,NA,NA,NA,NA\n"
                                   "gpcm,2,1,NA,NA,NA,1.5,0.25,0,1,2,0.5\n");

    expect_imported(&trial, "mirt-slope", 3);
    expect_item(&trial, 0, "{'id':'dich','model':'M3PL','a':[2.0,0.0],'d':-0.385,'c':0.25}");
    expect_item(&trial, 1, "{'id':'graded','model':'MDGRM','a':[0.5,-1.1],'d':[1.5,-0.25]}");
    expect_item(&trial, 2, "{'id':'gpcm','model':'MDGPCM','a':[2.0,1.0],'d':[1.0,-0.25]}");
    trial_done(&trial);
}

Test(import_mirt_slope, refuses)
{
    struct import_options none = {0};

    expect_refused("\"\",a1,a2,d,g,u\nx,1,0.5,0.3,0,0.9\n", &none,
                   "row 2, column u: no multidimensional model has an upper asymptote");
    expect_refused("\"\",a1,a2,d,ak0,ak1,d0,d1\nx,1,0.5,NA,0,2,0,1\n", &none,
                   "row 2: columns ak must be 0, 1, 2, .. with a column d for each, 2 to 16");
    expect_refused("\"\",a1,d,g,u\nx,0,0.5,0,1\n", &none,
                   "row 2, column a1: is 0: the item has no difficulty");
    expect_refused("\"\",a1,d,g,u\nx,1,,0,1\n", &none, "row 2, column d: the cell is empty");
    expect_refused("\"\",a1,ak0,ak1,ak2,d0,d1,d2\nx,1,0,1,2,0,1,\n", &none,
                   "row 2: 3 columns ak and 2 columns d are filled: there must be as many of both, "
                   "2 to 16");
}
