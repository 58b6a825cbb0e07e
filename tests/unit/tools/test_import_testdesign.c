/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools_test.h"

Test(import_testdesign, reads_every_model)
{
    struct trial trial = try_plain("id,model,par1,par2,par3,par4\n"
                                   "q1,1PL,-0.385,,,\n"
                                   "q2,2pl,1.25,-0.385,,\n"
                                   "q3,3PL,1.25,-0.385,0.125,NA\n"
                                   "q4,GR,1.25,-0.385,0.5,\n"
                                   "q5,GPC,1.25,0.5,-0.385,2\n"
                                   "q6,PC,0.5,-0.385,,\n");

    expect_imported(&trial, "testdesign", 6);
    expect_item(&trial, 0, "{'id':'q1','model':'1PL','b':-0.385}");
    expect_item(&trial, 1, "{'id':'q2','model':'2PL','a':1.25,'b':-0.385}");
    expect_item(&trial, 2, "{'id':'q3','model':'3PL','a':1.25,'b':-0.385,'c':0.125}");
    expect_item(&trial, 3, "{'id':'q4','model':'GRM','a':1.25,'b':[-0.385,0.5]}");
    expect_item(&trial, 4, "{'id':'q5','model':'GPCM','a':1.25,'b':[0.5,-0.385,2.0]}");
    expect_item(&trial, 5, "{'id':'q6','model':'PCM','b':[0.5,-0.385]}");
    trial_done(&trial);
}

Test(import_testdesign, refuses)
{
    struct trial trial = try_plain("ID,MODEL,PAR1,PAR2,PAR3\n"
                                   "q1,4PL,1,2,0.1\n"
                                   "q2,2PL,1,,\n"
                                   "q3,1PL,1,2,\n"
                                   "q4,GR,1,,\n"
                                   "q5,3PL,1,,0.2\n"
                                   "q6,PC,,,\n"
                                   "q7,PC,zero,,\n");
    const char *texts[] = {
        "row 2, column MODEL: \"4PL\" is none of 1PL, 2PL, 3PL, PC, GPC, GR",
        "row 3: 1 parameters are none of a 2PL",
        "row 4: 2 parameters are none of a 1PL",
        "row 5: 1 parameters are none of a GR",
        "row 6, column PAR3: column par2 before it is empty or missing",
        "row 7, column PAR1: the cell is empty",
        "row 8, column PAR1: not a number: \"zero\"",
    };

    expect_faults(&trial, texts, COUNT_OF(texts));
    trial_done(&trial);
}
