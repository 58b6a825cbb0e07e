# SPDX-License-Identifier: GPL-3.0-or-later
"""What a student was told of each answer, against what is kept of it (session.answers)."""

import collections

from thetad import NoReply, ThetadError

KINDS = ("lost", "doubled", "out of order", "another", "never sent")


def compare(told, kept, maybe=()):
    """What is wrong, as texts that begin with one of KINDS.

    Answers are (seq, item, response). `told`: those acknowledged, once each, with the response that
    was acknowledged last. `maybe`: those without a reply, which may have been carried out or not.
    `kept`: `answers` of session.answers."""
    kept = [(row["seq"], row["item"], row["response"]) for row in kept]
    places = {item: (seq, response) for seq, item, response in kept}
    found = [f"doubled: {item} is kept {n} times" for item, n in
             collections.Counter(item for _, item, _ in kept).items() if n > 1]
    if [seq for seq, _, _ in kept] != list(range(1, len(kept) + 1)):
        found.append(f"out of order: kept as {[seq for seq, _, _ in kept]}")
    for seq, item, response in told:
        if item not in places:
            found.append(f"lost: {item}, acknowledged as answer {seq}")
        elif places[item][0] != seq:
            found.append(f"out of order: {item} was answer {seq}, kept as {places[item][0]}")
        elif places[item][1] != response and (seq, item, places[item][1]) not in maybe:
            found.append(f"another: {item}: acknowledged {response}, kept {places[item][1]}")
    items = {item for _, item, _ in told}
    found += [f"never sent: {answer}" for answer in kept
              if answer[1] not in items and answer not in maybe]
    return found


def session(client, name, told, maybe=()):
    """compare() with what the district tells of a session now."""
    try:
        kept = client.session_answers(name)["answers"]
    except (NoReply, ThetadError) as error:
        return [f"{name}: lost: {error!r}"]
    return [f"{name}: {text}" for text in compare(told, kept, maybe)]


def counts(found):
    """"lost 0, doubled 0, ..." of what compare() found, each text with anything before it."""
    return ", ".join(f"{kind} {sum(f'{kind}: ' in text for text in found)}" for kind in KINDS)
