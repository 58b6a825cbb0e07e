/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/simulate_fit.h"
#include "clients/cli/text_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_ROUNDS = 20, PATH_SIZE = 4096 };

static void tell_round(const struct exposure_fit_round *round, unsigned number, void *context)
{
    (void)context;
    fprintf(stderr, "round %u: exposure at most %.3f, overlap %.3f, RMSE %.3f, %zu items limited\n",
            number, round->largest, round->overlap, round->rmse, round->n_limited);
}

static int take_options(const struct args *args, struct simulate_fit *out)
{
    const char *text = args->options[OPTION_FIT];
    int64_t n_round = DEFAULT_ROUNDS;
    char *end;

    out->rate = strtod(text, &end);
    if (end == text || *end || !(out->rate > 0.0 && out->rate < 1.0)) {
        return cli_fail(EX_USAGE, "--fit-sympson-hetter RATE: \"%s\" is no number between 0 and 1",
                        text);
    }
    if (!args_int(args, OPTION_ROUNDS, 1, EXPOSURE_FIT_ROUNDS, &n_round)) return EX_USAGE;
    out->n_round = (unsigned)n_round;
    return EX_OK;
}

/* The test without its rule: the k come from the fit. */
static int make_plan(const struct test_source *source, struct simulate_fit *out)
{
    struct test test = source->test;
    struct faults faults = {0};
    enum status st;

    if (test.exposure.rule != &exposure_none && test.exposure.rule != &exposure_sympson_hetter) {
        return cli_fail(EX_DATAERR,
                        "the test's exposure rule is %s: k is fitted for "
                        "sympson-hetter or none",
                        test.exposure.rule->name);
    }
    test.exposure.rule = &exposure_none;
    st = plan_new(&test, source->bank, &out->plan, &faults);
    faults_done(&faults);
    return st ? cli_fail(EX_OSERR, "no memory") : EX_OK;
}

int simulate_fit_run(struct cli *cli, const struct args *args, const struct test_source *source,
                     const double *theta, struct simulation *simulation, struct simulate_fit *out)
{
    struct exposure_fit fit = {.theta = theta, .told = cli->json ? NULL : tell_round};
    unsigned n_round = 0;
    int code;

    if (!args->options[OPTION_FIT]) return EX_OK;
    if (simulation->responses) {
        return cli_fail(EX_USAGE, "--fit-sympson-hetter draws the answers: leave out --responses");
    }
    code = take_options(args, out);
    if (!code) code = make_plan(source, out);
    if (code) return code;
    out->k = calloc(bank_n_item(source->bank), sizeof(*out->k));
    if (!out->k) return cli_fail(EX_OSERR, "no memory");
    simulation->plan = out->plan;
    simulation->admit = out->k;
    fit.simulation = *simulation;
    fit.simulation.progress = NULL;
    fit.rate = out->rate;
    fit.n_round = out->n_round;
    out->slack = exposure_fit_slack(fit.rate, simulation->n_examinee);
    if (exposure_fit(&fit, out->k, out->round, &n_round)) return cli_fail(EX_OSERR, "no memory");
    out->n_round = n_round;
    return EX_OK;
}

void simulate_fit_done(struct simulate_fit *fit)
{
    plan_free(fit->plan);
    free(fit->k);
}

static bool is_held(const struct simulate_fit *fit)
{
    return fit->round[fit->n_round - 1].largest <= fit->rate + fit->slack;
}

void simulate_fit_show(const struct simulate_fit *fit)
{
    static const char *const names[] = {"round", "exposure", "overlap", "RMSE", "k < 1"};
    struct text_table table;

    if (!fit->k) return;
    text_table_init(&table, "rrrrr");
    for (size_t i = 0; i < COUNT_OF(names); i++) text_table_cell(&table, "%s", names[i]);
    for (unsigned r = 0; r < fit->n_round; r++) {
        text_table_cell(&table, "%u", r + 1);
        text_table_number(&table, 3, fit->round[r].largest);
        text_table_number(&table, 3, fit->round[r].overlap);
        text_table_number(&table, 3, fit->round[r].rmse);
        text_table_cell(&table, "%zu", fit->round[r].n_limited);
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
    if (is_held(fit))
        printf("\nThe last round holds %g but for chance (%.3f).", fit->rate, fit->slack);
    else
        printf("\nNo round holds %g; the k are those of the best one.", fit->rate);
    printf(" With these k and new draws:\n\n");
}

json_t *simulate_fit_json(const struct simulate_fit *fit)
{
    json_t *rounds = json_array();

    for (unsigned r = 0; r < fit->n_round; r++) {
        const struct exposure_fit_round *round = &fit->round[r];

        (void)json_array_append_new(rounds, json_pack("{s:f, s:f, s:f, s:I}", "exposure_max",
                                                      round->largest, "overlap", round->overlap,
                                                      "rmse", round->rmse, "limited",
                                                      (json_int_t)round->n_limited));
    }
    return json_pack("{s:f, s:f, s:b, s:o}", "rate", fit->rate, "slack", fit->slack, "held",
                     is_held(fit), "rounds", rounds);
}

/* A file of the folder, written by `write`. */
static int write_file(const char *folder, const char *name, FILE **out)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    *out = fopen(path, "w");
    return *out ? EX_OK : cli_fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
}

static int close_file(const char *folder, const char *name, FILE *out, bool good)
{
    good = fclose(out) == 0 && good;
    return good ? EX_OK : cli_fail(EX_IOERR, "%s/%s: cannot write", folder, name);
}

/* The bank's file with the k in it. */
static int write_bank(const struct simulate_fit *fit, const char *path, const struct bank *bank,
                      const char *folder)
{
    struct buf file = {0};
    FILE *out = NULL;
    int code = cli_read_file(path, &file);

    if (!code && exposure_fit_can_merge(buf_slice(&file))) {
        code = write_file(folder, "bank.csv", &out);
        if (!code) {
            bool good = exposure_fit_merge(buf_slice(&file), bank, fit->k, out) == OK;

            code = close_file(folder, "bank.csv", out, good);
        }
    }
    buf_done(&file);
    return code;
}

int simulate_fit_write(const struct simulate_fit *fit, const struct args *args,
                       const struct bank *bank, const char *folder)
{
    const char *path = args->options[OPTION_BANK_FILE];
    FILE *out = NULL;
    int code;

    if (!fit->k) return EX_OK;
    code = write_file(folder, "sympson-hetter.csv", &out);
    if (code) return code;
    code = close_file(folder, "sympson-hetter.csv", out, exposure_fit_csv(bank, fit->k, out));
    return !code && path ? write_bank(fit, path, bank, folder) : code;
}
