// SPDX-License-Identifier: GPL-3.0-or-later
// jscat.js play CASE | jscat.js time CASE ROUNDS: the students of a case take their tests with
// @bdelab/jscat, as its README shows. `play` tells every item and theta; `time` the processor time
// of a step (findNextItem and updateAbilityEstimate) in us, the median of the rounds.
"use strict";
const fs = require("fs");
const { Cat } = require("@bdelab/jscat");

// One test: what was asked, as positions in the bank, and theta after each answer.
function take(scene, scores, deepCopy) {
    const cat = new Cat({
        method: "EAP", itemSelect: "MFI", minTheta: scene.min, maxTheta: scene.max,
    });
    let stimuli = scene.items;
    const items = [], thetas = [];
    for (let step = 0; step < scene.length; step++) {
        const found = cat.findNextItem(stimuli, "MFI", deepCopy);
        const item = found.nextStimulus;
        stimuli = found.remainingStimuli;
        const zeta = { a: item.discrimination, b: item.difficulty, c: item.guessing, d: 1 };
        cat.updateAbilityEstimate(zeta, scores[item.number] === "1" ? 1 : 0);
        items.push(item.number);
        thetas.push(cat.theta);
    }
    return { items, thetas };
}

function median(values) {
    return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function time(scene, rounds, deepCopy) {
    const steps = scene.students.length * scene.length;
    const times = [];
    for (let round = -1; round < rounds; round++) {  // the first warms up
        const from = process.cpuUsage();
        for (const scores of scene.students) take(scene, scores, deepCopy);
        const used = process.cpuUsage(from);
        if (round >= 0) times.push((used.user + used.system) / steps);
    }
    return median(times);
}

function main([what, path, rounds]) {
    const scene = JSON.parse(fs.readFileSync(path, "utf8"));
    scene.items = scene.items.map(({ id, a, b, c }, number) => (
        { number, id, discrimination: a, difficulty: b, guessing: c || 0, slipping: 1 }));
    const version = require("@bdelab/jscat/package.json").version;
    const out = { version };
    if (what === "time") {
        out.step_us = time(scene, Number(rounds), true);
        out.step_uncopied_us = time(scene, Number(rounds), false);
    } else {
        out.students = scene.students.map((scores) => take(scene, scores, false));
    }
    process.stdout.write(JSON.stringify(out) + "\n");
}

main(process.argv.slice(2));
