/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools_test.h"

Test(import_native, reads_every_column)
{
    struct trial trial = try_plain(
        "id,model,a,b,c,d,b1,b2,b3,seconds,exposure,key,options,set,enemies,content,tag:strand\n"
        "q1,4PL,1.1,-2.385,0.2,0.95,,,,42.5,0.385,4,3 | 4|5,P1,q2  q3,\"{\"\"text\"\": \"\"2 + "
        "2?\"\", "
        "\"\"n\"\": 1, \"\"x\"\": 1.0}\",sums\n"
        "q2,GRM,0.75,,,,-1.5,0.25,2.385,,,,,,,What is it?,\n"
        "q3,1PL,,3,,,,,,,,yes,,,,[1],\n");

    expect_imported(&trial, "native", 3);
    expect_item(&trial, 0,
                "{'id':'q1','model':'4PL','a':1.1,'b':-2.385,'c':0.2,'d':0.95,'seconds':42.5,'"
                "exposure':0.385,'key':'4',"
                "'options':['3','4','5'],'set':'P1','enemies':['q2','q3'],"
                "'content':{'text':'2 + 2?','n':1,'x':1.0},'tags':{'strand':'sums'}}");
    expect_item(&trial, 1,
                "{'id':'q2','model':'GRM','a':0.75,'b':[-1.5,0.25,2.385],'content':'What is it?'}");
    expect_item(&trial, 2, "{'id':'q3','model':'1PL','b':3.0,'key':'yes','content':[1]}");
    trial_done(&trial);
}

Test(import_native, takes_the_model_from_the_caller)
{
    struct import_options options = {.model = "2PL"};
    struct trial trial = try_import("id,a,b\nq1,1.5,0.5\n", &options);

    expect_imported(&trial, "native", 1);
    expect_item(&trial, 0, "{'id':'q1','model':'2PL','a':1.5,'b':0.5}");
    trial_done(&trial);
}

Test(import_native, refuses)
{
    struct import_options none = {0};

    expect_refused("id,b\nq,1\nr,2\n", &none,
                   "row 1: there is no column model: add it or say --model");
    expect_refused("id,model,b,b1\nq,GRM,1,2\n", &none,
                   "row 2, column b: an item has either b or b1, b2, ..");
    expect_refused("id,model,a,b\nq,GRM,1,2\n", &none,
                   "row 2, column b: a GRM has its thresholds in columns b1, b2, ..");
    expect_refused("id,model,a,b,b1\nq,GPCM,1,2,\n", &none,
                   "row 2, column b: a GPCM has its thresholds in columns b1, b2, ..");
    expect_refused("id,model,a,b1,b2,b3\nq,GRM,1,2,,3\n", &none,
                   "row 2, column b3: column b2 before it is empty or missing");
    expect_refused("id,model,b,difficulty\nq,1PL,1,2\n", &none,
                   "row 1, column difficulty: not known in format native; name it tag:difficulty "
                   "to keep it as a tag");
    expect_refused("id,model,b,options\nq,1PL,1,x||y\n", &none,
                   "row 2, column options: an empty option");
    expect_refused("id,model,b,options\nq,1PL,1,x|y|\n", &none,
                   "row 2, column options: an empty option");
    expect_refused("id,model,b,options\n"
                   "q,1PL,1,a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z|0\n",
                   &none, "row 2, column options: more than 26");
    expect_refused("id,model,b,content\nq,1PL,1,[[[[[[[[[[[[[[]]]]]]]]]]]]]]\n", &none,
                   "row 2: the content is nested too deep");
}

Test(import_native, has_room_for_sixteen_categories)
{
    struct trial trial = try_plain("id,model,a,b1,b2,b3,b4,b5,b6,b7,b8,b9,b10,b11,b12,b13,b14,b15\n"
                                   "q,GRM,1,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n");

    expect_imported(&trial, "native", 1);
    trial_done(&trial);
    expect_refused("id,model,a,b1,b2,b3,b4,b5,b6,b7,b8,b9,b10,b11,b12,b13,b14,b15,b16\n"
                   "q,GRM,1,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n",
                   &(struct import_options){0}, "row 2, column b16: more than 16 categories");
}

Test(import_native, takes_several_slopes)
{
    struct trial trial = try_plain("id,model,a1,a2,d,c,d1,d2\n"
                                   "x,M3PL,1.5,-0.25,0.385,0.125,,\n"
                                   "y,MDGRM,0.5,1,,,2,-1\n");

    expect_imported(&trial, "native", 2);
    expect_item(&trial, 0, "{'id':'x','model':'M3PL','c':0.125,'d':0.385,'a':[1.5,-0.25]}");
    expect_item(&trial, 1, "{'id':'y','model':'MDGRM','a':[0.5,1.0],'d':[2.0,-1.0]}");
    trial_done(&trial);
    expect_refused("id,model,a,a1,d\nx,M2PL,1,1,0\n", &(struct import_options){0},
                   "row 2, column a: an item has either a or a1, a2, ..");
}
