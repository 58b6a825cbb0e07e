/* SPDX-License-Identifier: GPL-3.0-or-later */
/* catR's dichotomous and polytomous matrices. */
#include "tools_test.h"

static void expect_first(const char *csv, const char *format, const char *note, const char *json)
{
    struct trial trial = try_plain(csv);

    expect_imported(&trial, format, 2);
    cr_expect_str_eq(trial.imported.note, note);
    expect_item(&trial, 0, json);
    trial_done(&trial);
}

Test(import_catr, concludes_the_least_model)
{
    expect_first("item,a,b,c,d\n1,1,0.385,0,1\n2,1,2,0,1\n", "catr",
                 "model 1PL: every a and d is 1 and every c is 0",
                 "{'id':'1','model':'1PL','b':0.385}");
    expect_first("item,a,b,c,d\n1,1,0.385,0,1\n2,1.5,2,0,1\n", "catr",
                 "model 2PL: every c is 0 and every d is 1",
                 "{'id':'1','model':'2PL','a':1.0,'b':0.385}");
    expect_first("item,a,b,c,d\n1,1,0.385,0,1\n2,1,2,0.1,1\n", "catr", "model 3PL: every d is 1",
                 "{'id':'1','model':'3PL','a':1.0,'b':0.385,'c':0.0}");
    expect_first("item,a,b,c,d\n1,1,0.385,0,1\n2,1,2,0,0.9\n", "catr", "model 4PL: some d is not 1",
                 "{'id':'1','model':'4PL','a':1.0,'b':0.385,'c':0.0,'d':1.0}");
}

Test(import_catr, takes_a_greater_model_and_no_lesser)
{
    struct import_options options = {.model = "3PL"};
    struct trial trial = try_import("a,b,c,d\n1.5,0.25,0,1\n", &options);

    expect_imported(&trial, "catr", 1);
    expect_item(&trial, 0, "{'id':'1','model':'3PL','a':1.5,'b':0.25,'c':0.0}");
    trial_done(&trial);
    expect_refused("a,b,c,d\n1.5,0.25,0.1,0.9\n", &options,
                   "the table does not fit a 3PL, it takes a 4PL");
    options.model = "GRM";
    expect_refused("a,b,c,d\n1.5,0.25,0.1,0.9\n", &options,
                   "model GRM is none of 1PL, 2PL, 3PL, 4PL");
}

Test(import_catr, reads_what_r_writes)
{
    const char *json = "{'id':'1','model':'3PL','a':1.5,'b':-1e-05,'c':0.125,"
                       "'tags':{'Group':'A b'}}";
    const char *note = "model 3PL: every d is 1";

    expect_first("\"a\" \"b\" \"c\" \"d\" \"Group\"\n\"1\" 1.5 -1e-05 0.125 1 \"A b\"\n"
                 "\"2\" 1 0 0 1 \"B\"\n",
                 "catr", note, json);
    expect_first("\"\",\"a\",\"b\",\"c\",\"d\",\"Group\"\n\"1\",1.5,-1e-05,0.125,1,\"A b\"\n"
                 "\"2\",1,0,0,1,\"B\"\n",
                 "catr", note, json);
    expect_first("a\tb\tc\td\tGroup\n1.5\t-1e-05\t.125\t1\tA b\n1\t0\t0\t1\tB\n", "catr", note,
                 json);
}

Test(import_catr, refuses_missing_numbers)
{
    struct trial trial = try_plain("a,b,c,d\n1.5,,0.1,1\nNA,1,0,1\n1,2,0,Inf\n");
    const char *texts[] = {"row 2, column b: the cell is empty",
                           "row 3, column a: the cell is empty",
                           "row 4, column d: not a number: \"Inf\""};

    expect_faults(&trial, texts, COUNT_OF(texts));
    trial_done(&trial);
}

Test(import_catr_poly, reads_every_model)
{
    expect_first("item,alphaj,betaj1,betaj2\n1,1.25,-1.385,NA\n2,1,0,1\n", "catr-grm", "",
                 "{'id':'1','model':'GRM','a':1.25,'b':[-1.385]}");
    expect_first("item,name,alphaj,deltaj1,deltaj2\n1,study,0.75,1.385,-2.5\n2,x,1,0,\n",
                 "catr-gpcm", "",
                 "{'id':'1','model':'GPCM','a':0.75,'b':[1.385,-2.5],'tags':{'name':'study'}}");
    expect_first("alphaj,bj,c1,c2\n0.75,-2.205,3.5,0.385\n1,0,3.5,0.385\n", "catr-mgrm", "",
                 "{'id':'1','model':'MGRM','a':0.75,'b':-2.205,'steps':[3.5,0.385]}");
    expect_first("deltaj1,deltaj2\n-1.093,1.286\n0,\n", "catr-pcm", "",
                 "{'id':'1','model':'PCM','b':[-1.093,1.286]}");
    expect_first("lambdaj,delta1,delta2\n0.924,2.392,-0.486\n0,1,2\n", "catr-rsm", "",
                 "{'id':'1','model':'RSM','b':0.924,'steps':[2.392,-0.486]}");
    expect_first("alpha1,c1,alpha2,c2\n0.835,0.763,1.046,0.16\n1,2,,\n", "catr-nrm", "",
                 "{'id':'1','model':'NRM','a':[0.835,1.046],'c':[0.763,0.16]}");
}

Test(import_catr_poly, refuses)
{
    struct import_options none = {0};

    expect_refused("alphaj,betaj1,betaj2\n1,,\n", &none, "row 2, column betaj1: the cell is empty");
    expect_refused("alphaj,betaj1,betaj2\n1,,2\n", &none,
                   "row 2, column betaj2: column betaj1 before it is empty or missing");
    expect_refused("alphaj,betaj1,betaj3\n1,1,2\n", &none,
                   "row 2, column betaj3: column betaj2 before it is empty or missing");
    expect_refused("alphaj,deltaj1\n,2\n", &none, "row 2, column alphaj: the cell is empty");
    expect_refused("alpha1,c1,alpha2,c2\n1,2,3,\n", &none,
                   "row 2: 2 columns alpha but 1 columns c are filled");
}
