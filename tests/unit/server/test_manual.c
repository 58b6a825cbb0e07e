/* SPDX-License-Identifier: GPL-3.0-or-later */
/* thetad-protocol(7) has every op with its roles and every error code, and no others. */
#include "server/request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE SOURCE_DIR "/systemd/man/thetad-protocol.7"

static char *page;

static void read_page(void)
{
    FILE *file = fopen(PAGE, "re");
    size_t n = 0;

    cr_assert(file, "%s cannot be read", PAGE);
    cr_assert_gt(getdelim(&page, &n, '\0', file), 0);
    fclose(file);
}

static void forget_page(void)
{
    free(page);
}

static size_t n_line(const char *begin)
{
    size_t n = 0;

    for (const char *at = page; (at = strstr(at, begin)); at += strlen(begin)) n++;
    return n;
}

Test(manual, has_every_op_with_its_roles, .init = read_page, .fini = forget_page)
{
    size_t n = 0;

    for (; requests[n]; n++) {
        char roles[CONFIG_ROLES], line[200];

        config_roles_text(requests[n]->roles, roles);
        snprintf(line, sizeof(line), "\n.It Ic %s Pq Cm %s\n", requests[n]->op,
                 requests[n]->roles == ROLE_ALL ? "any" : roles);
        cr_expect(strstr(page, line), "%s has no line%s", PAGE, line);
    }
    cr_expect_eq(n_line("\n.It Ic "), n, "an op is described that is not there");
}

Test(manual, has_every_error_code, .init = read_page, .fini = forget_page)
{
    static const char *const codes[] = {
#define CODE(name, number, code, retry) [name] = (number) > 0 && (number) < 100 ? code : NULL,
        STATUS_LIST(CODE)
#undef CODE
    };
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        char line[100];

        if (!codes[i]) continue;
        n++;
        snprintf(line, sizeof(line), "\n.It Er %s\n", codes[i]);
        cr_expect(strstr(page, line), "%s has no line%s", PAGE, line);
    }
    cr_expect_eq(n_line("\n.It Er "), n, "a code is described that is not there");
}
