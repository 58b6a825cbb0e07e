/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/certificate.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
#define KEY    "curve\n    public-key = \"" PUBLIC "\"\n"

static enum status read_text(const char *text, struct certificate *out, struct fault *fault)
{
    memset(fault, 0, sizeof(*fault));
    return certificate_read(slice_str(text), out, fault);
}

static struct certificate good(const char *text)
{
    struct certificate read;
    struct fault fault;

    cr_assert_eq(read_text(text, &read, &fault), OK, "%s: %s", text, fault.text);
    return read;
}

/* As pyzmq's zmq.auth.create_certificates writes it: metadata without quotes. */
Test(certificate, reads_what_pyzmq_writes)
{
    struct certificate read =
        good("#   ****  Generated on 2026-07-01 by pyzmq  ****\n"
             "#   ZeroMQ CURVE **Secret** Certificate\n\n"
             "metadata\n    name = Quiz 7\n    role = frontend proctor\n"
             "curve\n    public-key = \"" PUBLIC "\"\n    secret-key = \"" SECRET "\"\n");

    cr_expect_str_eq(read.public_key, PUBLIC);
    cr_expect_str_eq(read.secret_key, SECRET);
    cr_expect_eq(read.n_pair, 2);
    cr_expect_str_eq(certificate_value(&read, "name"), "Quiz 7");
    cr_expect_str_eq(certificate_value(&read, "role"), "frontend proctor");
    cr_expect_null(certificate_value(&read, "tenant"));
}

/* As zcert_save of czmq does: quotes, and the sections in this order. */
Test(certificate, reads_what_czmq_writes)
{
    struct certificate read = good("#   ****  Generated on 2026-07-01 by CZMQ  ****\n\n"
                                   "metadata\n    tenant = \"north\"\n" KEY);

    cr_expect_str_eq(certificate_value(&read, "tenant"), "north");
    cr_expect_str_empty(read.secret_key);
}

Test(certificate, reads_the_forms_of_a_value)
{
    struct certificate read = good("metadata\r\n\ta = 'one # two' # remark\r\n    b=x#y # z\r\n"
                                   "    c = \"\"\n    d =\n  # remark\n" KEY "\n");

    cr_expect_eq(read.n_pair, 4);
    cr_expect_str_eq(certificate_value(&read, "b"), "x#y");
    cr_expect_str_eq(certificate_value(&read, "c"), "");
    cr_expect_str_eq(certificate_value(&read, "d"), "");
}

Test(certificate, names_what_it_refuses)
{
    static const struct {
        const char *text, *field, *part;
    } rows[] = {
        {"", "public-key", "no public-key"},
        {"metadata\n    name = x\n", "public-key", "no public-key"},
        {KEY "    public-key = \"" PUBLIC "\"\n", "public-key", "line 3: stands twice"},
        {"curve\n    public-key = \"short\"\n", "public-key", "line 2: is no key"},
        {"curve\n    public-key = \"~ne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n", "public-key",
         "is no key"},
        {"curve\n    public-key = \"" PUBLIC "x\"\n", "public-key", "is no key"},
        {"curve\n    public-key = \"" PUBLIC "\n", "public-key", "no closing quote"},
        {"curve\n    public-key = \"" PUBLIC "\" x\n", "public-key", "no closing quote"},
        {"curve\n    private-key = \"" PUBLIC "\"\n", "private-key", "is not known here"},
        {"public-key = \"" PUBLIC "\"\n", "", "line 1: is no section"},
        {"    name = x\n" KEY, "name", "line 1: is not known here"},
        {"metadata\n    name\n" KEY, "name", "line 2: is not name = value"},
        {"metadata\n    na me = x\n" KEY, "", "line 2: is not name = value"},
        {"metadata\n    name = x\n    name = y\n" KEY, "name", "line 3: stands twice"},
        {"metadata\n    name = 'a\"b'\n" KEY, "name", "no plain text"},
        {"metadata\n    name = a\001b\n" KEY, "name", "no plain text"},
        {"metadata\n    name = \xff\n" KEY, "name", "no plain text"},
        {"secrets\n" KEY, "secrets", "line 1: is no section"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct certificate read = {.n_pair = 77};
        struct fault fault;

        cr_expect_eq(read_text(rows[i].text, &read, &fault), BAD_REQUEST, "%s", rows[i].text);
        cr_expect_str_eq(fault.field, rows[i].field, "%s", rows[i].text);
        cr_expect(strstr(fault.text, rows[i].part), "%s: \"%s\"", rows[i].text, fault.text);
        cr_expect_eq(read.n_pair, 77);
    }
}

Test(certificate, refuses_a_nul_and_too_many_fields)
{
    static const char nul[] = "metadata\n    name = a\0b\n" KEY;
    char text[8192] = "metadata\n";
    struct certificate read;
    struct fault fault;
    size_t n = strlen(text);

    cr_expect_eq(certificate_read(slice_of(nul, sizeof(nul) - 1), &read, &fault), BAD_REQUEST);
    for (int i = 0; i <= CERTIFICATE_PAIRS; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "    k%d = v\n", i);
    cr_expect_eq(read_text(text, &read, &fault), BAD_REQUEST);
    cr_expect_str_eq(fault.field, "k32");
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

/* An empty file is read, and has no key; one that is full is read, one more byte is too many. */
Test(certificate, files_have_their_sizes)
{
    static char text[CERTIFICATE_BYTES + 2];
    struct certificate read;
    struct scratch scratch;
    struct fault fault = {0};
    size_t n = strlen(KEY);
    char path[512];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/key", scratch.path);
    write_file(path, "", 0600);
    cr_expect_eq(certificate_load(path, &read, &fault), BAD_REQUEST);
    cr_expect_str_eq(fault.field, "public-key");
    memcpy(text, KEY, n);
    memset(text + n, '\n', CERTIFICATE_BYTES - n);
    write_file(path, text, 0600);
    cr_expect_eq(certificate_load(path, &read, &fault), OK, "%s", fault.text);
    cr_expect_str_eq(read.public_key, PUBLIC);
    text[CERTIFICATE_BYTES] = '\n';
    write_file(path, text, 0600);
    cr_expect_eq(certificate_load(path, &read, &fault), NOT_FOUND);
    cr_expect(strstr(fault.text, strerror(EFBIG)), "%s", fault.text);
    scratch_remove(&scratch);
}

/* What is written is read again; a secret that others may read is refused, a public file is not. */
Test(certificate, keeps_a_secret_to_its_owner)
{
    struct certificate made = {.public_key = PUBLIC, .secret_key = SECRET}, read;
    struct scratch scratch;
    struct fault fault = {0};
    struct buf text = {0};
    char path[512];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/key", scratch.path);
    cr_assert(certificate_add(&made, "name", "n-1"));
    cr_assert(certificate_add(&made, "role", "author admin"));
    cr_expect_not(certificate_add(&made, "bad", "a\"b"));
    cr_expect_not(certificate_add(&made, "bad", "a\nsecret"));
    certificate_write(&made, true, &text);
    buf_append(&text, "", 1);
    write_file(path, (const char *)text.data, 0600);
    cr_expect_eq(certificate_load(path, &read, &fault), OK, "%s", fault.text);
    cr_expect_str_eq(read.secret_key, SECRET);
    cr_expect_str_eq(certificate_value(&read, "role"), "author admin");
    for (mode_t bit = 1; bit <= 040; bit <<= 1) {
        write_file(path, (const char *)text.data, 0600 | bit);
        cr_expect_eq(certificate_load(path, &read, &fault), FORBIDDEN, "%o", bit);
        cr_expect(strstr(fault.text, bit == 02 ? "chmod o-w" : "chmod 0600"), "%s", fault.text);
        cr_expect_eq(certificate_load_guarded(path, &read, &fault), OK, "%s", fault.text);
    }
    buf_clear(&text);
    certificate_write(&made, false, &text);
    buf_append(&text, "", 1);
    cr_expect_null(strstr((const char *)text.data, SECRET));
    write_file(path, (const char *)text.data, 0644);
    cr_expect_eq(certificate_load(path, &read, &fault), OK, "%s", fault.text);
    cr_expect_str_empty(read.secret_key);
    write_file(path, (const char *)text.data, 0646);
    cr_expect_eq(certificate_load(path, &read, &fault), FORBIDDEN);
    cr_expect_eq(certificate_load(scratch.path, &read, &fault), NOT_FOUND);
    cr_expect_eq(certificate_load("/nonexistent", &read, &fault), NOT_FOUND);
    buf_done(&text);
    scratch_remove(&scratch);
}
