/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulate: many examinees take a test, here and not in the daemon. */
#include "clients/cli/progress.h"
#include "clients/cli/simulate_fit.h"
#include "clients/cli/test_source.h"
#include "clients/cli/text_table.h"
#include "tools/simulation_report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_EXAMINEES = 1000, FOLDER_MODE = 0777, PATH_SIZE = 4096 };

/* Beyond this a grid is a mistake; it is more points than the summary shows one by one. */
enum { GRID_POINTS = 10000 };

/* A simulation from its command line to its files. */
struct job {
    struct cli *cli;
    const struct args *args;
    struct test_source source;
    struct examinees examinees;
    struct simulation simulation;
    struct simulate_fit fit;
    struct simulation_result result;
    struct simulation_summary summary;
    char folder[LIMIT_ID + 32];
    const char *out;  // the folder, or the one that was asked for
    double seconds;
};

/* Where nobody says a seed one is drawn; it is told, so that the simulation can be had again. */
static int take_seed(struct job *job)
{
    int64_t seed = 0;

    if (!args_int(job->args, OPTION_SEED, 0, LIMIT_INT, &seed)) return EX_USAGE;
    if (!job->args->options[OPTION_SEED]) {
        if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
            return cli_fail(EX_OSERR, "no random numbers: %s", strerror(errno));
        }
        seed &= LIMIT_INT;
    }
    job->simulation.seed = (uint64_t)seed;
    return EX_OK;
}

static int take_threads(struct job *job)
{
    long n_core = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t n = n_core < 1 ? 1 : n_core;

    if (n > SIMULATE_THREADS) n = SIMULATE_THREADS;
    if (!args_int(job->args, OPTION_THREADS, 1, SIMULATE_THREADS, &n)) return EX_USAGE;
    job->simulation.n_thread = (unsigned)n;
    return EX_OK;
}

/* Up to `n` numbers behind the colon of `text`, apart by commas. False where there are others. */
static bool read_numbers(const char *text, double *out, size_t n)
{
    const char *at = strchr(text, ':');

    if (!at) return true;
    for (size_t i = 0; i < n; i++) {
        char *end;

        out[i] = strtod(++at, &end);
        if (end == at || !isfinite(out[i]) || *end != (i + 1 < n ? ',' : '\0')) return false;
        at = end;
    }
    return true;
}

static bool has_kind(const char *text, const char *kind)
{
    size_t n = strlen(kind);

    return strncmp(text, kind, n) == 0 && (!text[n] || text[n] == ':');
}

static int settle(const char *what, enum status st, struct faults *faults)
{
    int code = EX_OK;

    if (st == NO_MEMORY)
        code = cli_fail(EX_OSERR, "no memory");
    else if (st)
        code = test_source_refuse(what, faults);
    faults_done(faults);
    return code;
}

static int draw_prior(struct job *job, const char *text, size_t n)
{
    struct faults faults = {0};

    if (strcmp(text, "normal") != 0) {
        return cli_fail(EX_USAGE,
                        "--theta %s: normal takes no numbers in several dimensions, it is the "
                        "test's prior there",
                        text);
    }
    return settle(text, examinees_prior(n, job->simulation.seed, job->source.plan, &job->examinees),
                  &faults);
}

static int draw_normal(struct job *job, const char *text, size_t n)
{
    double number[] = {0.0, 1.0};
    struct faults faults = {0};

    if (bank_n_dim(job->source.bank) > 1) return draw_prior(job, text, n);
    if (!read_numbers(text, number, 2) || fabs(number[0]) > LIMIT_THETA || number[1] < 0.0 ||
        number[1] > LIMIT_SD_MAX) {
        return cli_fail(EX_USAGE, "--theta normal:MEAN,SD: \"%s\" is none", text);
    }
    return settle(text,
                  examinees_normal(n, job->simulation.seed, number[0], number[1], &job->examinees),
                  &faults);
}

static int lay_grid(struct job *job, const char *text, size_t n)
{
    double number[] = {-3.0, 3.0, 0.5};
    struct faults faults = {0};

    if (bank_n_dim(job->source.bank) > 1) {
        return cli_fail(EX_USAGE,
                        "--theta %s: a grid is for a bank of one dimension, this has %zu; take "
                        "normal or file:PATH",
                        text, bank_n_dim(job->source.bank));
    }
    if (!read_numbers(text, number, 3) || fabs(number[0]) > LIMIT_THETA ||
        fabs(number[1]) > LIMIT_THETA || number[0] > number[1] || !(number[2] > 0.0) ||
        (number[1] - number[0]) / number[2] > GRID_POINTS) {
        return cli_fail(EX_USAGE, "--theta grid:MIN,MAX,STEP: \"%s\" is none", text);
    }
    return settle(text, examinees_grid(n, number[0], number[1], number[2], &job->examinees),
                  &faults);
}

static int read_thetas(struct job *job, const char *path, size_t n)
{
    struct buf file = {0};
    struct faults faults = {0};
    int code = cli_read_file(path, &file);

    if (!code) {
        enum status st = examinees_read(buf_slice(&file), n, bank_n_dim(job->source.bank),
                                        &job->examinees, &faults);

        code = settle(path, st, &faults);
    }
    buf_done(&file);
    return code;
}

static int read_matrix(struct job *job, const char *path)
{
    struct buf file = {0};
    struct faults faults = {0};
    int code;

    if (job->args->options[OPTION_THETA] || job->args->options[OPTION_EXAMINEES]) {
        return cli_fail(EX_USAGE, "--responses says who takes the test: leave out --theta and "
                                  "--examinees");
    }
    code = cli_read_file(path, &file);
    if (!code) {
        enum status st =
            examinees_matrix(buf_slice(&file), job->source.plan, &job->examinees, &faults);

        code = settle(path, st, &faults);
    }
    buf_done(&file);
    return code;
}

static int take_examinees(struct job *job)
{
    const char *matrix = job->args->options[OPTION_RESPONSES];
    const char *theta = job->args->options[OPTION_THETA];
    int64_t n = DEFAULT_EXAMINEES;

    if (matrix) return read_matrix(job, matrix);
    if (!args_int(job->args, OPTION_EXAMINEES, 1, EXAMINEES_MAX, &n)) return EX_USAGE;
    if (!theta || has_kind(theta, "normal")) {
        return draw_normal(job, theta ? theta : "normal", (size_t)n);
    }
    if (has_kind(theta, "grid")) return lay_grid(job, theta, (size_t)n);
    if (strncmp(theta, "file:", strlen("file:")) == 0) {
        return read_thetas(job, theta + strlen("file:"),
                           job->args->options[OPTION_EXAMINEES] ? (size_t)n : 0);
    }
    return cli_fail(EX_USAGE,
                    "--theta takes normal[:MEAN,SD], grid[:MIN,MAX,STEP] or file:PATH, "
                    "not \"%s\"",
                    theta);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The design, and the fit where one is asked for. */
static int prepare(struct job *job)
{
    struct simulation *simulation = &job->simulation;

    simulation->plan = job->source.plan;
    simulation->n_examinee = job->examinees.n;
    simulation->theta = job->examinees.theta;
    simulation->responses = job->examinees.responses;
    simulation->retired = job->source.retired;
    simulation->n_retired = job->source.n_retired;
    return simulate_fit_run(job->cli, job->args, &job->source, job->examinees.theta, simulation,
                            &job->fit);
}

static int run_simulation(struct job *job)
{
    struct simulation *simulation = &job->simulation;
    struct progress progress;
    double begin = now_s();
    enum status st;

    simulation->progress = progress_show;
    simulation->context = &progress;
    progress_begin(&progress, simulation->n_examinee, job->cli->utf8);
    st = simulate(simulation, &job->result);
    progress_end(&progress);
    job->seconds = now_s() - begin;
    if (!st) {
        st = simulation_summarize(simulation, job->examinees.theta, &job->result, &job->summary);
    }
    if (st) return cli_fail(EX_OSERR, "no memory");
    if (job->summary.dim[0].all.n > 0) return EX_OK;
    return cli_fail(EX_DATAERR, "there is no item that any examinee could be asked");
}

static bool write_examinees(const struct job *job, FILE *out)
{
    return simulation_csv_examinees(&job->simulation, job->examinees.theta, &job->result, out);
}

static bool write_items(const struct job *job, FILE *out)
{
    return simulation_csv_items(job->source.bank, &job->result, job->summary.dim[0].all.n, out);
}

static bool write_page(const struct job *job, FILE *out)
{
    char date[32];
    struct simulation_report report = {&job->simulation, &job->examinees,   &job->result,
                                       &job->summary,    job->source.label, date};

    cli_time_text((int64_t)time(NULL) * 1000, date);
    return simulation_report_write(&report, out) == OK;
}

/* What is written, by file. */
static const struct {
    const char *name;
    bool (*write)(const struct job *job, FILE *out);
} files[] = {
    {"examinees.csv", write_examinees}, {"items.csv", write_items}, {"index.html", write_page}};

static int write_files(struct job *job)
{
    const char *given = job->args->options[OPTION_OUT_FOLDER];

    snprintf(job->folder, sizeof(job->folder), "simulation-%s", job->source.test.name);
    job->out = given ? given : job->folder;
    if (mkdir(job->out, FOLDER_MODE) != 0 && errno != EEXIST) {
        return cli_fail(EX_CANTCREAT, "%s: %s", job->out, strerror(errno));
    }
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[PATH_SIZE];
        FILE *out;
        bool good;

        snprintf(path, sizeof(path), "%s/%s", job->out, files[i].name);
        out = fopen(path, "w");
        if (!out) return cli_fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
        good = files[i].write(job, out);
        good = fclose(out) == 0 && good;
        if (!good) return cli_fail(EX_IOERR, "%s: cannot write", path);
    }
    return simulate_fit_write(&job->fit, job->args, job->source.bank, job->out);
}

static int show_json(const struct job *job)
{
    json_t *json = simulation_summary_json(&job->summary, &job->source.test);

    (void)json_object_set_new(json, "test", json_string(job->source.test.name));
    (void)json_object_set_new(json, "bank", json_string(job->source.label));
    (void)json_object_set_new(json, "theta", json_string(job->examinees.about));
    (void)json_object_set_new(json, "seed", json_integer((json_int_t)job->simulation.seed));
    (void)json_object_set_new(json, "out", json_string(job->out));
    if (job->fit.k) (void)json_object_set_new(json, "fit", simulate_fit_json(&job->fit));
    return cli_print_json(json, 0);
}

static void put_group(struct text_table *table, const struct summary_group *group)
{
    text_table_cell(table, "%zu", group->n);
    text_table_number(table, 3, group->bias);
    text_table_number(table, 3, group->rmse);
    text_table_number(table, 3, group->se);
    text_table_number(table, 3, group->sd);
    text_table_number(table, 3, group->coverage);
    text_table_number(table, 1, group->length);
}

static void show_dims(const struct simulation_summary *summary)
{
    static const char *const names[] = {"dimension", "bias",     "RMSE",       "SE",
                                        "SD ratio",  "coverage", "correlation"};
    struct text_table table;

    text_table_init(&table, "lrrrrrr");
    for (size_t i = 0; i < COUNT_OF(names); i++) text_table_cell(&table, "%s", names[i]);
    for (size_t m = 0; m < summary->n_dim; m++) {
        const struct summary_theta *dim = &summary->dim[m];

        text_table_cell(&table, "theta%zu", m + 1);
        text_table_number(&table, 3, dim->all.bias);
        text_table_number(&table, 3, dim->all.rmse);
        text_table_number(&table, 3, dim->all.se);
        text_table_number(&table, 3, dim->sd_ratio);
        text_table_number(&table, 3, dim->all.coverage);
        text_table_number(&table, 3, dim->correlation);
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
}

static void show_groups(const struct summary_theta *dim)
{
    static const char *const names[] = {"theta", "n",  "bias",     "RMSE",
                                        "SE",    "SD", "coverage", "length"};
    struct text_table table;

    text_table_init(&table, "rrrrrrrr");
    for (size_t i = 0; i < COUNT_OF(names); i++) text_table_cell(&table, "%s", names[i]);
    for (size_t g = 0; g < dim->n_group; g++) {
        text_table_number(&table, 2, dim->group[g].theta);
        put_group(&table, &dim->group[g]);
    }
    text_table_cell(&table, "all");
    put_group(&table, &dim->all);
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
}

static void show_summary(const struct job *job)
{
    const struct simulation_summary *summary = &job->summary;

    simulate_fit_show(&job->fit);
    printf("test %s, bank %s, %zu items\n", job->source.test.name, job->source.label,
           summary->n_item);
    printf("%zu examinees (%s), seed %llu, %.1f s\n\n", summary->n_examinee, job->examinees.about,
           (unsigned long long)job->simulation.seed, job->seconds);
    if (summary->n_dim == 1)
        show_groups(&summary->dim[0]);
    else
        show_dims(summary);
    printf("\nlength    %u to %u, median %u", summary->length_min, summary->length_max,
           summary->length_median);
    if (summary->n_dim > 1) printf(", mean %.1f", summary->dim[0].all.length);
    printf("; stopped by");
    for (size_t s = 0; s < summary->n_stop; s++) {
        printf("%s %s %.1f %%", s > 0 ? "," : "", summary->stop[s].name,
               100.0 * (double)summary->stop[s].n / (double)summary->dim[0].all.n);
    }
    printf("\nexposure  at most %.3f, mean %.3f; %zu items over %g, %zu never used\n",
           summary->exposure_max, summary->exposure_mean, summary->n_over, SUMMARY_EXPOSURE,
           summary->n_unused);
    if (isfinite(summary->overlap)) printf("overlap   %.3f\n", summary->overlap);
    if (summary->n_class > 0) {
        printf("classes   %.1f %% right\n", 100.0 * summary->accuracy);
    }
    if (summary->n_empty > 0) {
        printf("%zu examinees could be asked nothing and are left out\n", summary->n_empty);
    }
    printf("page      %s/index.html\n", job->out);
    if (job->fit.k) printf("k         %s/sympson-hetter.csv\n", job->out);
}

static int run(struct cli *cli, const struct args *args)
{
    struct job job = {.cli = cli, .args = args};
    int code = take_seed(&job);

    if (!code) code = take_threads(&job);
    if (!code) code = test_source_load(cli, args, args->operands[0], &job.source);
    if (!code) code = take_examinees(&job);
    if (!code) code = prepare(&job);
    if (!code) code = run_simulation(&job);
    if (!code) code = write_files(&job);
    if (!code && cli->json) code = show_json(&job);
    if (!code && !cli->json) show_summary(&job);
    simulation_summary_done(&job.summary);
    simulation_result_done(&job.result);
    simulate_fit_done(&job.fit);
    examinees_done(&job.examinees);
    test_source_done(&job.source);
    return code;
}

const struct command command_simulate = {
    .name = "simulate",
    .operands = "[TEST]",
    .max_operand = 1,
    .about = "Simulate a test: precision, length, exposure, as tables and a page",
    .details =
        "Every examinee takes the test exactly as the daemon would give it, without the daemon. "
        "The same seed gives the same results on any number of processors, and the same people "
        "with the same answers to another test. Written are index.html, examinees.csv and "
        "items.csv. With --bank and --document no daemon is needed and TEST is left out. A test "
        "whose sessions depend on the ones before them (eligibility, max_uses) is taken by one "
        "examinee after the other. --fit-sympson-hetter writes sympson-hetter.csv (item, k) and, "
        "where --bank is a file with a column id, bank.csv: the same with the k as its exposure, "
        "for theta bank import.\n\n"
        "Examples:\n  theta simulate algebra-6 --examinees 10000 --seed 7\n"
        "  theta simulate algebra-6 --theta grid:-3,3,0.5 --examinees 13000\n"
        "  theta simulate algebra-6 --responses answers.csv\n"
        "  theta simulate --bank algebra.csv --document algebra-6.json\n"
        "  theta simulate --bank algebra.csv --document algebra-6.json "
        "--fit-sympson-hetter 0.25",
    .options = {OPTION_FIT, OPTION_ROUNDS, OPTION_EXAMINEES, OPTION_THETA, OPTION_RESPONSES,
                OPTION_SEED, OPTION_THREADS, OPTION_OUT_FOLDER, TEST_SOURCE_OPTIONS},
    .n_option = 8 + TEST_SOURCE_N_OPTION,
    .run = run,
};
