/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/reader.h"

#include "proto/writer.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* One decoded map with a value of each kind, and a reader on it. */
static struct buf bytes;
static struct decoder decoder;
static struct fault fault;
static msgpack_object root;

static void write_sample(struct writer *out)
{
    write_map(out, 16);
    put_text(out, "id", "q-17:b");
    put_text(out, "no_id", "q 17");
    put_text(out, "empty", "");
    put_int(out, "seq", 1000);
    put_int(out, "negative", -7);
    write_text(out, "huge");
    write_raw(out, slice_of("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9));
    put_int(out, "wide", LIMIT_INT + 1);
    put_f64(out, "theta", -2.385);
    write_text(out, "single");
    write_raw(out, slice_of("\xca\x3f\xc0\0\0", 5));
    write_text(out, "nan");
    write_raw(out, slice_of("\xcb\x7f\xf8\0\0\0\0\0\0", 9));
    write_text(out, "inf");
    write_raw(out, slice_of("\xcb\x7f\xf0\0\0\0\0\0\0", 9));
    put_bool(out, "reveal", true);
    write_text(out, "nil");
    write_nil(out);
    write_text(out, "prior");
    write_map(out, 1);
    put_f64(out, "sd", 0.5);
    write_text(out, "list");
    write_array(out, 2);
    write_int(out, 1);
    write_int(out, 2);
    write_text(out, "bin");
    write_bin(out, slice_str("q17"));
}

static void setup(void)
{
    struct writer out = writer_of(&bytes);

    write_sample(&out);
    cr_assert_eq(decoder_init(&decoder), OK);
    cr_assert_eq(decode(&decoder, buf_slice(&bytes), &root, &fault), OK, "%s", fault.text);
    fault_set(&fault, NULL, NULL, "untouched");
}

static void teardown(void)
{
    decoder_done(&decoder);
    buf_done(&bytes);
}

TestSuite(reader, .init = setup, .fini = teardown);

static struct reader top(void)
{
    return reader_of(&root, "", &fault);
}

static void expect_fault(const struct reader *in, const char *field, const char *text)
{
    cr_expect(in->failed);
    cr_expect_str_eq(fault.item, "");
    cr_expect_str_eq(fault.field, field);
    cr_expect_str_eq(fault.text, text);
    fault_set(&fault, NULL, NULL, "untouched");
}

Test(reader, reads_what_is_there)
{
    struct reader in = top();
    const msgpack_object *object = NULL;
    struct slice id = {0}, text = slice_str("?");
    int64_t seq = 0, negative = 0;
    double theta = 0, single = 0, whole = 0;
    bool reveal = false;

    cr_expect(read_id(&in, "id", REQUIRED, &id) && slice_equal_str(id, "q-17:b"));
    cr_expect(read_str(&in, "no_id", REQUIRED, 4, &text) && slice_equal_str(text, "q 17"));
    cr_expect(read_str(&in, "empty", OPTIONAL, 0, &text) && text.n == 0);
    cr_expect(read_int(&in, "seq", REQUIRED, 1000, 1000, &seq) && seq == 1000);
    cr_expect(read_int(&in, "negative", REQUIRED, -7, -7, &negative) && negative == -7);
    cr_expect(read_f64(&in, "theta", REQUIRED, -2.385, -2.385, &theta) && theta == -2.385);
    cr_expect(read_f64(&in, "single", REQUIRED, 0, 2, &single) && single == 1.5);
    cr_expect(read_f64(&in, "seq", REQUIRED, 0, 2000, &whole) && whole == 1000.0);
    cr_expect(read_bool(&in, "reveal", REQUIRED, &reveal) && reveal);
    cr_expect(read_map(&in, "prior", REQUIRED, &object) && object->via.map.size == 1);
    cr_expect(read_array(&in, "list", REQUIRED, 2, &object) && object->via.array.size == 2);
    cr_expect(read_any(&in, "bin", REQUIRED, &object) && object->type == MSGPACK_OBJECT_BIN);
    cr_expect(read_any(&in, "nil", REQUIRED, &object) && object->type == MSGPACK_OBJECT_NIL);
    cr_expect(!in.failed);
    cr_expect_str_eq(fault.text, "untouched");
}

static void leaves_alone(const char *key)
{
    struct reader in = top();
    const msgpack_object *object = &root;
    struct slice text = slice_str("default");
    int64_t integer = 42;
    double number = 0.42;
    bool flag = true;

    cr_expect(!read_id(&in, key, OPTIONAL, &text));
    cr_expect(!read_str(&in, key, OPTIONAL, 9, &text));
    cr_expect(!read_int(&in, key, OPTIONAL, 0, 9, &integer));
    cr_expect(!read_f64(&in, key, OPTIONAL, 0, 9, &number));
    cr_expect(!read_bool(&in, key, OPTIONAL, &flag));
    cr_expect(!read_map(&in, key, OPTIONAL, &object));
    cr_expect(!read_array(&in, key, OPTIONAL, 9, &object));
    cr_expect(!in.failed && object == &root && integer == 42 && number == 0.42 && flag);
    cr_expect(slice_equal_str(text, "default"));
}

Test(reader, an_optional_field_may_be_absent_or_nil)
{
    struct reader in = top();
    const msgpack_object *object = &root;

    leaves_alone("absent");
    leaves_alone("nil");
    cr_expect(!read_any(&in, "absent", OPTIONAL, &object) && object == &root && !in.failed);
    cr_expect(read_any(&in, "nil", OPTIONAL, &object) && object->type == MSGPACK_OBJECT_NIL);
}

#define EXPECT_FAULT(call, field, text)                                                            \
    do {                                                                                           \
        struct reader in = top();                                                                  \
        cr_expect(!(call), "%s", #call);                                                           \
        expect_fault(&in, field, text);                                                            \
    } while (0)

Test(reader, a_required_field_may_not)
{
    const msgpack_object *object;
    struct slice text;
    int64_t integer;
    double number;
    bool flag;

    EXPECT_FAULT(read_id(&in, "absent", REQUIRED, &text), "absent", "missing");
    EXPECT_FAULT(read_str(&in, "absent", REQUIRED, 9, &text), "absent", "missing");
    EXPECT_FAULT(read_int(&in, "absent", REQUIRED, 0, 9, &integer), "absent", "missing");
    EXPECT_FAULT(read_f64(&in, "absent", REQUIRED, 0, 9, &number), "absent", "missing");
    EXPECT_FAULT(read_bool(&in, "absent", REQUIRED, &flag), "absent", "missing");
    EXPECT_FAULT(read_map(&in, "absent", REQUIRED, &object), "absent", "missing");
    EXPECT_FAULT(read_array(&in, "absent", REQUIRED, 9, &object), "absent", "missing");
    EXPECT_FAULT(read_any(&in, "absent", REQUIRED, &object), "absent", "missing");
    EXPECT_FAULT(read_bool(&in, "nil", REQUIRED, &flag), "nil", "must be true or false");
}

Test(reader, refuses_other_types)
{
    static const char id_text[] = "must be an id (1 to 64 of A-Z a-z 0-9 . _ : -)";
    static const char *const kinds[] = {"nan", "reveal", "prior", "list", "bin", "seq"};
    struct slice text = slice_str("default");
    const msgpack_object *object = &root;
    int64_t integer = 42;
    bool flag = true;

    EXPECT_FAULT(read_id(&in, "no_id", REQUIRED, &text), "no_id", id_text);
    EXPECT_FAULT(read_id(&in, "empty", OPTIONAL, &text), "empty", id_text);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        EXPECT_FAULT(read_id(&in, kinds[i], OPTIONAL, &text), kinds[i], id_text);
        EXPECT_FAULT(read_str(&in, kinds[i], OPTIONAL, 9, &text), kinds[i],
                     "must be a str of at most 9 bytes");
    }
    EXPECT_FAULT(read_str(&in, "no_id", REQUIRED, 3, &text), "no_id",
                 "must be a str of at most 3 bytes");
    EXPECT_FAULT(read_bool(&in, "seq", REQUIRED, &flag), "seq", "must be true or false");
    EXPECT_FAULT(read_map(&in, "list", REQUIRED, &object), "list", "must be a map");
    EXPECT_FAULT(read_array(&in, "prior", REQUIRED, 9, &object), "prior",
                 "must be an array of at most 9 elements");
    EXPECT_FAULT(read_array(&in, "list", REQUIRED, 1, &object), "list",
                 "must be an array of at most 1 elements");
    EXPECT_FAULT(read_int(&in, "theta", REQUIRED, -9, 9, &integer), "theta",
                 "must be an integer between -9 and 9");
    cr_expect(slice_equal_str(text, "default") && object == &root && integer == 42 && flag);
}

Test(reader, refuses_numbers_out_of_range)
{
    int64_t integer = 42;
    double number = 0.42;

    EXPECT_FAULT(read_int(&in, "seq", REQUIRED, 1, 999, &integer), "seq",
                 "must be an integer between 1 and 999");
    EXPECT_FAULT(read_int(&in, "negative", REQUIRED, 0, 9, &integer), "negative",
                 "must be an integer between 0 and 9");
    EXPECT_FAULT(read_int(&in, "huge", REQUIRED, INT64_MIN, INT64_MAX, &integer), "huge",
                 "must be an integer between -9223372036854775808 and 9223372036854775807");
    EXPECT_FAULT(read_f64(&in, "theta", REQUIRED, -2, 2.5, &number), "theta",
                 "must be a finite number between -2 and 2.5");
    EXPECT_FAULT(read_f64(&in, "seq", REQUIRED, 0, 999, &number), "seq",
                 "must be a finite number between 0 and 999");
    EXPECT_FAULT(read_f64(&in, "reveal", REQUIRED, 0, 1, &number), "reveal",
                 "must be a finite number between 0 and 1");
    cr_expect(integer == 42 && number == 0.42);
}

Test(reader, refuses_nan_and_infinity)
{
    double number = 0.42;

    EXPECT_FAULT(read_f64(&in, "nan", OPTIONAL, 0, 1, &number), "nan",
                 "must be a finite number between 0 and 1");
    EXPECT_FAULT(read_f64(&in, "nan", OPTIONAL, -(double)INFINITY, (double)INFINITY, &number),
                 "nan", "must be a finite number");
    EXPECT_FAULT(read_f64(&in, "inf", OPTIONAL, -(double)INFINITY, (double)INFINITY, &number),
                 "inf", "must be a finite number");
    cr_expect(number == 0.42);
}

/* Beyond 2^53 - 1 a double may round an integer, so such a one is not taken for a number. */
Test(reader, refuses_integers_that_a_double_may_round)
{
    double number = 0.42;

    EXPECT_FAULT(read_f64(&in, "huge", OPTIONAL, -1e300, 1e300, &number), "huge",
                 "must be a finite number between -1e+300 and 1e+300");
    EXPECT_FAULT(read_f64(&in, "wide", OPTIONAL, -1e300, 1e300, &number), "wide",
                 "must be a finite number between -1e+300 and 1e+300");
    cr_expect(number == 0.42);
}

Test(reader, the_first_failure_sticks)
{
    struct reader in = top();
    const msgpack_object *object = &root;
    struct slice text = slice_str("default");
    int64_t integer = 42;

    cr_expect(!read_int(&in, "seq", REQUIRED, 0, 1, &integer));
    cr_expect(!read_id(&in, "id", REQUIRED, &text));
    cr_expect(!read_any(&in, "id", REQUIRED, &object));
    cr_expect(!read_id(&in, "absent", REQUIRED, &text));
    read_fail(&in, "later", "not kept");
    cr_expect(slice_equal_str(text, "default") && object == &root && integer == 42);
    expect_fault(&in, "seq", "must be an integer between 0 and 1");
}

Test(reader, names_fields_by_their_path)
{
    const msgpack_object *prior = map_find(&root, "prior");
    struct reader in = reader_of(prior, "estimate.prior", &fault);
    double sd = 0;

    cr_expect(!read_f64(&in, "sd", REQUIRED, 1, 2, &sd));
    expect_fault(&in, "estimate.prior.sd", "must be a finite number between 1 and 2");

    in = reader_of(prior, "prior", &fault);
    read_fail(&in, "sd", "is %d, above %s", 7, "the limit");
    expect_fault(&in, "prior.sd", "is 7, above the limit");

    in = reader_of(map_find(&root, "list"), "prior", &fault);
    expect_fault(&in, "prior", "must be a map");
    in = reader_of(map_find(&root, "list"), "", &fault);
    cr_expect(!read_f64(&in, "sd", REQUIRED, 0, 2, &sd) && sd == 0);
    expect_fault(&in, "", "must be a map");
}

/* A long field name is cut, but not inside a character: it goes out as UTF-8. */
Test(reader, cuts_long_field_names_between_characters)
{
    struct reader in = reader_of(&root, "", &fault);
    char key[100] = "x";

    for (size_t i = 0; i < 40; i++) strcat(key, "é");
    read_fail(&in, key, "whatever");
    cr_expect_eq(strlen(fault.field), 63);
    cr_expect(slice_is_utf8(slice_str(fault.field)));
    cr_expect(strncmp(fault.field, key, 63) == 0);
}

Test(reader, refuse_others_names_every_unknown_key)
{
    static const char *const keys[] = {"id",     "no_id", "empty", "seq", "negative",
                                       "huge",   "wide",  "theta", "nan", "inf",
                                       "reveal", "nil",   "list",  "bin"};
    struct reader in = reader_of(&root, "items.3", &fault);
    struct faults faults = {0};

    reader_refuse_others(&in, "q17", keys, COUNT_OF(keys), &faults);
    cr_assert_eq(faults.n, 2);
    cr_expect_str_eq(faults.list[0].item, "q17");
    cr_expect_str_eq(faults.list[0].field, "items.3.single");
    cr_expect_str_eq(faults.list[1].field, "items.3.prior");
    cr_expect_str_eq(faults.list[1].text, "unknown key");
    faults_done(&faults);
}

Test(reader, map_find)
{
    cr_expect_eq(map_find(&root, "seq")->via.u64, 1000);
    cr_expect_null(map_find(&root, "se"));
    cr_expect_null(map_find(&root, "seqq"));
    cr_expect_null(map_find(map_find(&root, "list"), "seq"));
    cr_expect_null(map_find(NULL, "seq"));
}

Test(reader, single_values)
{
    const msgpack_object *list = map_find(&root, "list");
    int64_t integer = 42;
    struct slice text;
    double number;

    cr_expect(object_int(&list->via.array.ptr[1], 2, 2, &integer) && integer == 2);
    cr_expect(!object_int(&list->via.array.ptr[1], 3, 9, &integer) && integer == 2);
    cr_expect(!object_int(map_find(&root, "reveal"), 0, 1, &integer));
    cr_expect(!object_int(map_find(&root, "huge"), INT64_MIN, INT64_MAX, &integer));
    cr_expect(object_f64(map_find(&root, "single"), 1.5, 1.5, &number) && number == 1.5);
    cr_expect(!object_f64(map_find(&root, "nan"), -DBL_MAX, DBL_MAX, &number));
    cr_expect(object_str(map_find(&root, "no_id"), &text) && text.n == 4);
    cr_expect(!object_str(map_find(&root, "bin"), &text));
    cr_expect(!object_id(map_find(&root, "no_id"), &text));
}

Test(reader, decode_tells_the_byte)
{
    msgpack_object other;

    cr_expect_eq(decode(&decoder, slice_of("\x92\x01\xc1", 3), &other, &fault), BAD_REQUEST);
    cr_expect_str_eq(fault.item, "");
    cr_expect_str_eq(fault.field, "");
    cr_expect_str_eq(fault.text,
                     "not a MessagePack value within the limits: byte that starts no value at "
                     "byte 2");
    cr_expect_eq(decode(&decoder, slice_of(NULL, 0), &other, &fault), BAD_REQUEST);
}

/* The zone keeps its first chunk and needs no other: later messages are decoded without malloc. */
Test(reader, decode_reuses_its_memory)
{
    struct decoder fresh;
    const void *chunk, *first = NULL;

    cr_assert_eq(decoder_init(&fresh), OK);
    chunk = fresh.zone.chunk_list.head;
    for (size_t i = 0; i < 1000; i++) {
        cr_assert_eq(decode(&fresh, buf_slice(&bytes), &root, &fault), OK);
        if (i == 0) first = root.via.map.ptr;
        cr_assert_eq((const void *)root.via.map.ptr, first);
        cr_assert_eq((const void *)fresh.zone.chunk_list.head, chunk);
        cr_assert_null(fresh.zone.finalizer_array.array);
    }
    decoder_done(&fresh);
}

/* A message larger than the chunk takes more, and the next small one gives it back. */
Test(reader, decode_gives_back_what_a_large_message_took)
{
    const void *chunk = decoder.zone.chunk_list.head;
    struct buf large = {0};
    struct writer out = writer_of(&large);

    write_array(&out, 20000);
    for (size_t i = 0; i < 20000; i++) write_nil(&out);
    cr_assert_eq(decode(&decoder, buf_slice(&large), &root, &fault), OK);
    cr_expect_eq(root.via.array.ptr[19999].type, MSGPACK_OBJECT_NIL);
    cr_expect_neq((const void *)decoder.zone.chunk_list.head, chunk);
    cr_assert_eq(decode(&decoder, buf_slice(&bytes), &root, &fault), OK);
    cr_expect_eq((const void *)decoder.zone.chunk_list.head, chunk);
    buf_done(&large);
}
