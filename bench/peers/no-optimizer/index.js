// SPDX-License-Identifier: GPL-3.0-or-later
// In the place of jscat's dependency of this name, which it has from a git host and not from the
// registry, and needs for maximum likelihood only. What is measured is its EAP.
exports.minimize_Powell = () => {
    throw new Error("maximum likelihood is not measured here");
};
