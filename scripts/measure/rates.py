"""Which learning rate suits which width: DCGANs on MNIST, five minutes of processor time each.

    scripts/measure/rates.py                         an hour on one CPU core
    scripts/measure/rates.py --filters 16 32 --rates 1.6e-3 --minutes 20
    scripts/measure/rates.py --data-path FOLDER      MNIST files from FOLDER, without a download

Both sides use the same rate; everything else is as in `build_dcgan`. Each run appends a line to
`--out`, with the scores of 10,000 samples by the features of the package's MNIST classifier.
"""

import argparse
import pathlib
import random

import results
import stopping

import kerasgan
from kerasgan import metrics

BATCH_SIZE = 64


def train(filters, rate, data, evaluator, minutes):
    random.seed(0)  # Keras draws the initial weights from it
    gan = kerasgan.build_dcgan(data.shape[1:], filters=filters)
    for optimizer in gan.optimizer.optimizers:
        optimizer.learning_rate = rate
    stop = stopping.StopAfter(60 * minutes)
    gan.fit(data, batch_size=BATCH_SIZE, epochs=10**6, verbose=0, callbacks=[stop])
    return {"steps": gan.step, **evaluator.protocol, "scores": evaluator(gan)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--filters", nargs="+", type=int, default=[16, 32, 64])
    parser.add_argument("--rates", nargs="+", type=float, default=[2e-4, 8e-4, 1.6e-3, 3.2e-3])
    parser.add_argument("--minutes", type=float, default=5.0, help="training time (default: 5)")
    parser.add_argument("--data-path", help="folder or file that contains MNIST")
    parser.add_argument("--out", type=pathlib.Path, default=results.FOLDER / "rates.jsonl")
    given = parser.parse_args()
    data, _ = kerasgan.datasets.load_mnist("train", given.data_path)
    evaluator = metrics.Evaluator(data, metrics.mnist_encoder())
    rows = []
    for filters in given.filters:
        distances = []
        for rate in given.rates:
            key = {"filters": filters, "rate": rate, "minutes": given.minutes}
            arguments = (filters, rate, data, evaluator, given.minutes)
            run = results.measure(given.out, key, train, *arguments)
            distances.append(f"{run['scores']['frechet_distance']:.2f}")
        rows.append([filters, *distances])
    print(results.table(["filters", *given.rates], rows))


if __name__ == "__main__":
    main()
