/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same bank, the same students, step by step, beside what a frontend developer would use
 * instead: @bdelab/jscat. First the same items must have been asked, and the thetas must agree;
 * only then is time taken. */
#include "bench/common/bars.h"
#include "bench/common/options.h"
#include "bench/common/sample.h"
#include "bench/peers/player.h"

#include <math.h>
#include <stdlib.h>
#include <sysexits.h>

/* jscat sums likelihoods that it has exponentiated, over 121 nodes: some 1e-13 of rounding. */
#define THETA_TOLERANCE 1e-9

enum { MOST_SIZES = 3, WHY = 128 };

struct peers_options {
    struct options common;
    const char *thetad, *folder;
    long n_item, n_student;
};

/* What a step takes, in us, with a bank of n_item. */
struct costs {
    size_t n_item;
    double inside, socket;         // this engine; over loopback TCP, durable
    double jscat, jscat_uncopied;  // NaN where it was not there
    double apart;                  // the greatest difference of a theta
};

struct bench {
    const struct peers_options *options;
    size_t n_student;
    char why[WHY];  // jscat was left out
    json_t *version;
};

static struct trace *traces_new(size_t n)
{
    struct trace *traces = calloc(n, sizeof(*traces));

    if (traces) return traces;
    fprintf(stderr, "bench: no memory\n");
    exit(EX_OSERR);
}

/* The greatest difference in theta; ends the program where another item was asked. */
static double compare(const char *who, size_t n_item, const struct trace *ours,
                      const struct trace *theirs, size_t n)
{
    double most = 0.0;

    for (size_t s = 0; s < n; s++) {
        for (size_t i = 0; i < SCENE_LENGTH; i++) {
            double apart = fabs(ours[s].theta[i] - theirs[s].theta[i]);

            if (ours[s].item[i] == theirs[s].item[i] && apart <= THETA_TOLERANCE) {
                most = fmax(most, apart);
                continue;
            }
            fprintf(stderr,
                    "bench: %s differs, %zu items, student %zu, question %zu: item %zu and theta "
                    "%.15g, here %zu and %.15g\n",
                    who, n_item, s + 1, i + 1, theirs[s].item[i], theirs[s].theta[i],
                    ours[s].item[i], ours[s].theta[i]);
            exit(EX_SOFTWARE);
        }
    }
    return most;
}

static void write_scene(json_t *scene, const char *path)
{
    if (json_dump_file(scene, path, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0) return;
    fprintf(stderr, "bench: cannot write %s\n", path);
    exit(EX_CANTCREAT);
}

/* jscat plays the scene; whether it was there. */
static bool agrees_with_jscat(struct bench *bench, const char *path, const struct trace *ours,
                              struct costs *costs)
{
    json_t *answer = player_jscat(bench->options->folder, "play", path, 0, bench->why, WHY);
    struct trace *theirs = traces_new(bench->n_student);

    if (answer) {
        player_read(answer, theirs);
        costs->apart = compare("jscat", costs->n_item, ours, theirs, bench->n_student);
        if (!bench->version) bench->version = json_incref(json_object_get(answer, "version"));
    }
    json_decref(answer);
    free(theirs);
    return answer != NULL;
}

static void time_jscat(struct bench *bench, const char *path, struct costs *costs)
{
    json_t *answer = player_jscat(bench->options->folder, "time", path,
                                  bench->options->common.n_round, bench->why, WHY);

    costs->jscat = json_number_value(json_object_get(answer, "step_us"));
    costs->jscat_uncopied = json_number_value(json_object_get(answer, "step_uncopied_us"));
    json_decref(answer);
}

static void time_ours(struct bench *bench, json_t *scene, const char *url, struct trace *traces,
                      struct costs *costs)
{
    size_t n_round = (size_t)bench->options->common.n_round;
    struct sample *inside = sample_new(n_round), *socket = sample_new(n_round);

    for (size_t round = 0; round < n_round; round++) {
        char run[32];

        snprintf(run, sizeof(run), "round%zu", round);
        sample_add(inside, player_inside(scene, traces));
        sample_add(socket, player_socket(scene, url, run, traces));
    }
    costs->inside = sample_quantile(inside, 0.5);
    costs->socket = sample_quantile(socket, 0.5);
    sample_free(inside);
    sample_free(socket);
}

static struct costs measure(struct bench *bench, size_t n_item)
{
    struct costs costs = {.n_item = n_item, .jscat = NAN, .jscat_uncopied = NAN, .apart = NAN};
    struct trace *ours = traces_new(bench->n_student), *afar = traces_new(bench->n_student);
    json_t *scene = scene_new(n_item, bench->n_student);
    struct daemon daemon;
    char path[PATH_BYTES];

    fprintf(stderr, "bench: peers, %zu items\n", n_item);
    daemon_start(&daemon, &(struct daemon_options){bench->options->thetad, "/tmp", false, NULL});
    player_upload(scene, daemon.author_url);
    snprintf(path, sizeof(path), "%s/scene.json", daemon.folder);
    write_scene(scene, path);
    player_inside(scene, ours);
    player_socket(scene, daemon.student_url, "first", afar);
    compare("the daemon", n_item, ours, afar, bench->n_student);
    if (agrees_with_jscat(bench, path, ours, &costs)) time_jscat(bench, path, &costs);
    time_ours(bench, scene, daemon.student_url, afar, &costs);
    daemon_stop(&daemon);
    json_decref(scene);
    free(ours);
    free(afar);
    return costs;
}

static void print_row(const char *label, double us, double inside)
{
    if (isfinite(us)) printf("  %-52s %10.2f %9.1f\n", label, us, us / inside);
}

static void print(const struct bench *bench, const struct costs *costs, size_t n)
{
    printf("One step: take an answer, estimate theta (EAP, 121 nodes), pick the next item (MFI); "
           "%zu students x %d\n",
           bench->n_student, SCENE_LENGTH);
    if (bench->version)
        printf("@bdelab/jscat %s asked the same items in the same order\n",
               json_string_value(bench->version));
    else
        printf("@bdelab/jscat skipped: %s\n", bench->why);
    for (size_t i = 0; i < n; i++) {
        printf("\n%zu items%*s %52s %9s\n", costs[i].n_item, 0, "", "us a step", "/ thetad");
        print_row("thetad in the process, processor time", costs[i].inside, costs[i].inside);
        print_row("jscat in the process, as it is by default", costs[i].jscat, costs[i].inside);
        print_row("jscat without deep copies of the bank", costs[i].jscat_uncopied,
                  costs[i].inside);
        print_row("thetad over TCP, durable, as a frontend sees it", costs[i].socket,
                  costs[i].inside);
        if (bench->version) printf("  thetas differ by %.1e at most\n", costs[i].apart);
    }
}

static json_t *as_json(const struct bench *bench, const struct costs *costs, size_t n)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *row = json_pack("{s:I, s:f, s:f}", "items", (json_int_t)costs[i].n_item,
                                "inside_us", costs[i].inside, "socket_us", costs[i].socket);

        if (bench->version) {
            json_object_set_new(row, "jscat_us", json_real(costs[i].jscat));
            json_object_set_new(row, "jscat_uncopied_us", json_real(costs[i].jscat_uncopied));
            json_object_set_new(row, "theta_apart", json_real(costs[i].apart));
        }
        json_array_append_new(rows, row);
    }
    if (bench->version) {
        return json_pack("{s:i, s:O, s:o}", "students", (int)bench->n_student, "jscat",
                         bench->version, "rows", rows);
    }
    return json_pack("{s:i, s:s, s:o}", "students", (int)bench->n_student, "skipped", bench->why,
                     "rows", rows);
}

static const struct argp_option option_list[] = {
    {"thetad", 't', "FILE", 0, "The daemon's program", 0},
    {"folder", 'f', "FOLDER", 0, "Where jscat.js and its node_modules are", 0},
    {"items", 'i', "N", 0, "Only a bank of so many items (100, 1000 and 10000)", 0},
    {"students", 'n', "N", 0, "How many take the test (5)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct peers_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        return 0;
    case 't':
        options->thetad = argument;
        return 0;
    case 'f':
        options->folder = argument;
        return 0;
    case 'i':
        options->n_item = options_number(state, "items", argument, SCENE_LENGTH + 1);
        return 0;
    case 'n':
        options->n_student = options_number(state, "students", argument, 1);
        return 0;
    case ARGP_KEY_END:
        if (!options->thetad || !options->folder)
            argp_error(state, "--thetad and --folder are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Measure one step beside @bdelab/jscat: median of 5 rounds. --quick leaves out the bank "
           "of 10,000 items.",
    .children = options_children,
};

int main(int argc, char **argv)
{
    struct peers_options options = {.common.n_round = 5, .n_student = 5};
    struct bench bench = {.options = &options};
    size_t sizes[MOST_SIZES] = {100, 1000, 10000}, n = MOST_SIZES;
    struct costs costs[MOST_SIZES];
    json_t *json;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    bench.n_student = (size_t)options.n_student;
    if (options.common.quick) n = 2;
    if (options.n_item > 0) {
        sizes[0] = (size_t)options.n_item;
        n = 1;
    }
    for (size_t i = 0; i < n; i++) costs[i] = measure(&bench, sizes[i]);
    json = as_json(&bench, costs, n);
    if (options.common.json)
        options_print(json);
    else
        print(&bench, costs, n);
    options_record(&options.common, "peers.json", json);
    json_decref(bench.version);
    return EX_OK;
}
