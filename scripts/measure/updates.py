"""Alternating versus simultaneous updates: DCGANs on MNIST, at equal steps and at equal time.

    scripts/measure/updates.py                        half an hour on one CPU core
    scripts/measure/updates.py --data-path FOLDER     MNIST files from FOLDER, without a download

For each seed, one GAN trains with `update="joint"` for `--steps` steps. Another with the same
initial weights trains with `update="simultaneous"`, first for the same number of steps, then until
it has used the same processor time. Each GAN appends a line to `--out`, with the scores of 10,000
samples by the features of the package's MNIST classifier.
"""

import argparse
import pathlib
import random

import results
import stopping

import kerasgan
from kerasgan import metrics

BATCH_SIZE = 64
SCORES = ("frechet_distance", "kernel_distance", "precision", "recall")


def train(update, seed, filters, data, evaluator, limits):
    """Scores after training to each limit: a number of steps, or seconds of processor time."""
    random.seed(seed)  # Keras draws the initial weights from it
    gan = kerasgan.build_dcgan(data.shape[1:], filters=filters)
    gan.compile(update=update)
    seconds, found = 0.0, {}
    for name, limit in limits.items():
        stop = stopping.StopAfter(limit - seconds if isinstance(limit, float) else float("inf"))
        length = {"steps": limit} if isinstance(limit, int) else {"epochs": 10**6}
        # The position in the data is part of the model: a second `fit` continues there.
        gan.fit(
            data,
            batch_size=BATCH_SIZE,
            initial_epoch=gan.epoch,
            verbose=0,
            callbacks=[stop],
            **length,
        )
        seconds += stop.trained
        scores = evaluator(gan)
        found[name] = {"steps": gan.step, "trained": seconds, "scores": scores}
    return {**evaluator.protocol, "at": found}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=2500, help="joint steps")
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "updates.jsonl")
    given = parser.parse_args()
    data, _ = kerasgan.datasets.load_mnist("train", given.data_path)
    evaluator = metrics.Evaluator(data, metrics.mnist_encoder())
    found = {"joint": [], "simultaneous, equal steps": [], "simultaneous, equal time": []}
    for seed in given.seeds:
        key = {"seed": seed, "filters": given.filters, "joint_steps": given.steps}
        arguments = (seed, given.filters, data, evaluator)
        joint = results.measure(
            given.out,
            {"update": "joint", **key},
            train,
            "joint",
            *arguments,
            {"equal steps": given.steps},
        )["at"]["equal steps"]
        found["joint"].append(joint)
        other = results.measure(
            given.out,
            {"update": "simultaneous", **key},
            train,
            "simultaneous",
            *arguments,
            {"equal steps": given.steps, "equal time": joint["trained"]},
        )["at"]
        for name, scores in other.items():
            found[f"simultaneous, {name}"].append(scores)
    rows = []
    for name, runs in found.items():
        steps = results.spread([run["steps"] for run in runs], 0)
        seconds = results.spread([run["trained"] for run in runs], 0)
        scores = [results.spread([run["scores"][each] for run in runs], 3) for each in SCORES]
        rows.append([name, steps, seconds, *scores])
    print(results.table(["update", "steps", "seconds", *SCORES], rows))


if __name__ == "__main__":
    main()
