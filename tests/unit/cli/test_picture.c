/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/picture.h"

#include "clients/cli/text_table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static void expect_picture(double theta, double se, const char *line)
{
    char ascii[PICTURE_SIZE], utf8[PICTURE_SIZE];
    size_t plus_minus = (size_t)(isnan(se) == 0);  // two characters in ASCII

    picture_draw(theta, se, false, ascii);
    cr_expect_str_eq(ascii, line);
    picture_draw(theta, se, true, utf8);
    cr_expect_eq(text_width(utf8), text_width(ascii) - plus_minus);
    cr_expect_leq(text_width(ascii), 78);
}

Test(picture, draws_the_interval)
{
    expect_picture(0.0, 1.0,
                   " -4 ...............|----o----|............... 4   theta 0.00 +- 1.00");
    expect_picture(0.31, 0.42,
                   " -4 ...................|--o-|................ 4   theta 0.31 +- 0.42");
    expect_picture(-1.385, 0.2,
                   " -4 ............|o|.......................... 4   theta -1.39 +- 0.20");
}

Test(picture, is_cut_at_the_ends)
{
    expect_picture(3.9, 0.5,
                   " -4 .....................................|--o 4   theta 3.90 +- 0.50");
    expect_picture(-7.25, 0.5,
                   " -4 o........................................ 4   theta -7.25 +- 0.50");
    expect_picture(0.0, 9.0,
                   " -4 --------------------o-------------------- 4   theta 0.00 +- 9.00");
}

Test(picture, draws_a_point_where_there_is_no_se)
{
    expect_picture(2.0, NAN, " -4 ..............................o.......... 4   theta 2.00");
}

/* Maximum likelihood has no finite estimate after answers that are all right or all wrong. */
Test(picture, says_that_theta_is_at_the_bound)
{
    char line[PICTURE_SIZE];

    picture_draw(4.0, 137.5, false, line);
    cr_expect_str_eq(line,
                     " -4 ----------------------------------------o 4   theta 4.00, at the bound");
    picture_draw(4.0, 100.0, false, line);
    cr_expect_str_eq(line,
                     " -4 ----------------------------------------o 4   theta 4.00 +- 100.00");
}

Test(picture, knows_utf8)
{
    char line[PICTURE_SIZE];

    picture_draw(0.31, 0.42, true, line);
    cr_expect_str_eq(line, " -4 ···················├──●─┤················ 4   "
                           "theta 0.31 ± 0.42");
}

Test(picture, is_cut_where_a_number_is_absurd)
{
    char line[PICTURE_SIZE];

    picture_draw(-1e300, 1e300, true, line);
    cr_expect_eq(strlen(line), PICTURE_SIZE - 1);
}
