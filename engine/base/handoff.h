/* SPDX-License-Identifier: Apache-2.0 */
/* Something that never changes again goes from thread to thread inside a message. libzmq puts one
 * before the other, but ThreadSanitizer cannot see into a library that was not built with it: these
 * two tell it. In other builds they are nothing. */
#ifndef BASE_HANDOFF_H
#define BASE_HANDOFF_H

#ifdef __SANITIZE_THREAD__
void __tsan_release(void *way);
void __tsan_acquire(void *way);
#define handoff_give(way) __tsan_release((void *)(way))  // before the message is sent
#define handoff_take(way) __tsan_acquire((void *)(way))  // after it was received
#else
#define handoff_give(way) ((void)(way))
#define handoff_take(way) ((void)(way))
#endif

#endif
