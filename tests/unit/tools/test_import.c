/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all formats have in common: recognition, ids, tags, attributes, faults. */
#include "tools_test.h"

#include <string.h>

Test(import, names_every_format_once)
{
    size_t n = 0;

    for (; import_format_name(n); n++) {
        cr_expect_not_null(import_format_about(n));
        for (size_t i = 0; i < n; i++)
            cr_expect_str_neq(import_format_name(i), import_format_name(n));
    }
    cr_expect_eq(n, 11);
    cr_expect_null(import_format_about(n));
}

Test(import, collects_all_faults_by_row_and_column)
{
    struct trial trial = try_plain("id,model,a,b\n"
                                   "q1,2PL,1.1,\"1,5\"\n"
                                   "q2,2PL,x,nan\n"
                                   "q3,2PL,inf,0x1\n"
                                   "q4,2PL,1e999,-.5\n"
                                   "q 5,2PL,1,0\n"
                                   "q6,,1,0\n");
    const char *texts[] = {
        "row 2, column b: not a number: \"1,5\" (write the decimal point as a point)",
        "row 3, column a: not a number: \"x\"",
        "row 3, column b: not a number: \"nan\"",
        "row 4, column a: not a number: \"inf\"",
        "row 4, column b: not a number: \"0x1\"",
        "row 5, column a: not a number: \"1e999\"",
        "row 6, column id: \"q 5\" is no id: 1 to 64 of A-Z a-z 0-9 . _ : -",
        "row 7, column model: the cell is empty",
    };

    expect_faults(&trial, texts, COUNT_OF(texts));
    cr_expect_str_eq(trial.faults.list[1].item, "q2");
    cr_expect_str_eq(trial.faults.list[1].field, "a");
    trial_done(&trial);
}

Test(import, refuses_the_same_id_twice)
{
    struct trial trial = try_plain("id,model,b\nq2,1PL,1\nq1,1PL,0\nq2,1PL,1\nq2,1PL,1\n");
    const char *texts[] = {"row 4, column id: \"q2\" stands in row 2 too",
                           "row 5, column id: \"q2\" stands in row 4 too"};

    expect_faults(&trial, texts, COUNT_OF(texts));
    trial_done(&trial);
}

Test(import, refuses_what_it_does_not_know)
{
    struct import_options format = {.format = "catr"};
    struct import_options wrong = {.format = "excel"};
    struct import_options model = {.model = "2PL"};

    expect_refused("person,score\n1,2\n", &(struct import_options){0},
                   "row 1: the columns are those of no known format");
    expect_refused("id,model,b\nq,1PL,1\n", &wrong,
                   "there is no format excel; there are testdesign, catr, catr-mgrm, catr-grm, "
                   "catr-gpcm, catr-pcm, catr-rsm, catr-nrm, mirt-slope, mirt, native");
    expect_refused("a,b,c\n1,2,0\n", &format, "row 1: format catr needs a column d");
    expect_refused("id,model,par1\nq,1PL,1\n", &model, "format testdesign tells the model itself");
    expect_refused("id,model,b\n", &(struct import_options){0}, "there are no items");
    expect_refused(
        "a,b,c,d,se\n1,2,0,1,.3\n", &(struct import_options){0},
        "row 1, column se: not known in format catr; name it tag:se to keep it as a tag");
    expect_refused("id,model,b,tag:an-hour-long-name-that-no-message-has-room-for-"
                   "as-a-key-of-one-of-its-maps\nq,1PL,1,x\n",
                   &(struct import_options){0},
                   "row 2: tag an-hour-long-name-that-no-messag...: the name has 74 bytes, at most "
                   "64");
}

Test(import, keeps_text_columns_as_tags)
{
    struct trial trial = try_plain("item,a,b,c,d,Group,Word,tag:Words\n"
                                   "7,1.2,0.5,0,1,Audio1,house,17\n"
                                   "8,1.3,0.6,0,1,,NA,\n");

    expect_imported(&trial, "catr", 2);
    expect_item(&trial, 0,
                "{'id':'7','model':'2PL','a':1.2,'b':0.5,"
                "'tags':{'Group':'Audio1','Word':'house','Words':'17'}}");
    expect_item(&trial, 1, "{'id':'8','model':'2PL','a':1.3,'b':0.6}");
    trial_done(&trial);
}

Test(import, joins_attributes_by_id)
{
    const char *text = "ID,STID,LEVEL,AREA\nq2,,4,NA\nq1,S7,3,algebra\nq3,S9,1,x\n";
    struct import_options options = {.attributes = slice_str(text)};
    struct trial trial = try_import("ID,MODEL,PAR1\nq1,1PL,0.25\nq2,1PL,1.5\n", &options);

    expect_imported(&trial, "testdesign", 2);
    expect_item(&trial, 0,
                "{'id':'q1','model':'1PL','b':0.25,'set':'S7',"
                "'tags':{'LEVEL':'3','AREA':'algebra'}}");
    expect_item(&trial, 1, "{'id':'q2','model':'1PL','b':1.5,'tags':{'LEVEL':'4'}}");
    trial_done(&trial);

    expect_refused("ID,MODEL,PAR1\nq4,1PL,0.25\n", &options,
                   "row 2, column ID: \"q4\" is not among the attributes");
    options.attributes = slice_str("ID,LEVEL\nq1,1\nq1,2\n");
    expect_refused("ID,MODEL,PAR1\nq1,1PL,0.25\n", &options,
                   "attributes row 3, column ID: \"q1\" stands in row 2 too");
    options.attributes = slice_str("NAME,LEVEL\nq1,1\n");
    expect_refused("ID,MODEL,PAR1\nq1,1PL,0.25\n", &options,
                   "attributes row 1: there is no column ID");
    options.attributes = slice_str("ID,LEVEL\nq1,1,5\n");
    expect_refused("ID,MODEL,PAR1\nq1,1PL,0.25\n", &options,
                   "attributes row 2: 3 cells, the header has 2 (a decimal comma? row names "
                   "without a name?)");
    options.attributes = slice_str("ID,LEVEL\nq1,1\n");
    expect_refused("ID,MODEL,PAR1,tag:LEVEL\nq1,1PL,0.25,2\n", &options,
                   "row 2: tag LEVEL stands twice, or there are more than 32 tags");
}

Test(import, numbers_items_that_have_no_id)
{
    struct trial trial = try_plain("a b c d\n1.1 -2 0 1\n1 0.5 0 1\n");

    expect_imported(&trial, "catr", 2);
    expect_item(&trial, 1, "{'id':'2','model':'2PL','a':1.0,'b':0.5}");
    trial_done(&trial);
}

Test(import, refuses_huge_items)
{
    struct buf text = {0};

    buf_append(&text, "id,model,b,content\nq,1PL,1,", 27);
    for (int i = 0; i < 70000; i++) buf_append(&text, "x", 1);
    buf_append(&text, "", 1);
    expect_refused((const char *)text.data, &(struct import_options){0},
                   "row 2: the item takes 70040 bytes, at most 65536");
    buf_done(&text);
}

/* The real banks, where they are. */
static void expect_shared(const char *path, const char *attributes, const char *format, size_t n)
{
    struct buf bytes = shared_file(path);
    struct buf more = {0};
    struct import_options options = {0};
    struct trial trial = {0};

    if (!bytes.data) return;
    if (attributes) more = shared_file(attributes);
    options.attributes = buf_slice(&more);
    trial.st = import_csv(buf_slice(&bytes), &options, &trial.imported, &trial.faults);
    expect_imported(&trial, format, n);
    trial_done(&trial);
    buf_done(&bytes);
    buf_done(&more);
}

Test(import, reads_the_real_banks)
{
    expect_shared("banks/tcals.csv", NULL, "catr", 85);
    expect_shared("banks/cat_pav.csv", NULL, "catr-gpcm", 96);
    expect_shared("banks/science_pool.csv", "banks/science_attributes.csv", "testdesign", 1000);
    expect_shared("banks/reading_pool.csv", "banks/reading_attributes.csv", "testdesign", 303);
    expect_shared("banks/fatigue_pool.csv", "banks/fatigue_attributes.csv", "testdesign", 95);
    expect_shared("banks/bayes_pool.csv", "banks/bayes_attributes.csv", "testdesign", 320);
    expect_shared("golden/banks/1pl.csv", NULL, "catr", 200);
    expect_shared("golden/banks/4pl.csv", NULL, "catr", 200);
    expect_shared("golden/banks/grm.csv", NULL, "catr-grm", 80);
    expect_shared("golden/banks/mgrm.csv", NULL, "catr-mgrm", 60);
    expect_shared("golden/banks/pcm.csv", NULL, "catr-pcm", 60);
    expect_shared("golden/banks/rsm.csv", NULL, "catr-rsm", 60);
    expect_shared("golden/banks/nrm.csv", NULL, "catr-nrm", 60);
}
