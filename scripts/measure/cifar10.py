"""Train models of the zoo on CIFAR-10 for equal times, and compare what they learn.

    scripts/measure/cifar10.py --data-path FOLDER                     the smallest three, on a CPU
    scripts/measure/cifar10.py r3gan biggan --minutes 30 --data-path FOLDER
    scripts/measure/cifar10.py r3gan --gpu --minutes 10 --data-path FOLDER
    scripts/measure/cifar10.py pretrained --data-path FOLDER          load_pretrained("cifar10")

FOLDER has one folder of 32x32 JPEG files for each of the ten classes. Such files are not the
original images, so do not compare these numbers with published ones.

A classifier of nine tenths of the images judges them: its last features are the encoder. Ours is in
docs/results/encoders; if it is missing in `--encoders`, it is trained. For each model, `--out` gets
NAME.png (64 samples from seed 0, or a row for each class), NAME-losses.csv and NAME-losses.png, the
trained GAN as NAME.keras, and a line in cifar10.jsonl: scores of 10,000 samples and, for models
that take labels, the share of samples of each class that the classifier assigns to it. The script
prints these lines as a table.

Minutes are processor time, and the widths are those of learn.py, which suit a CPU. With `--gpu`,
minutes are wall time, and the widths are the builders' or, where these need hours, half of them or
less; start a process for each model to train them side by side. StyleGAN2 has adaptive
augmentation.
"""

import argparse
import pathlib
import random
import time

import keras
import learn
import numpy as np
import results
import stopping

import kerasgan
from kerasgan import callbacks, metrics

SMALLEST = ("dcgan", "sngan", "projection_gan")
PRETRAINED = "pretrained"
NAMES = ("dcgan", "sngan", "sagan", "biggan", "projection_gan", "r3gan", "stylegan2", PRETRAINED)
AUGMENT = {"stylegan2": "ada"}
GPU_SETTINGS = {
    "biggan": {"filters": 32, "batch_size": 50},
    "r3gan": {"filters": 64, "batch_size": 128},
    "stylegan2": {"filters": 32, "batch_size": 64},
}
GPU_OTHERS = {"filters": 64, "batch_size": 64}
HELD_OUT, EPOCHS, BATCH_SIZE = 5_000, 8, 128


def build_classifier():
    """Builds a model from images of 0 to 255 to logits, with a layer `features` before them."""
    images = keras.Input((32, 32, 3), name="images")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    for filters, stride in ((32, 1), (48, 2), (48, 1), (96, 2), (96, 1), (128, 2)):
        x = keras.layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.95)(x)
        x = keras.layers.ReLU()(x)  # (32, 32, 32) ... (4, 4, 128)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)  # (128,)
    x = keras.layers.Dense(10, name="logits")(x)
    return keras.Model(images, x, name="cifar10_classifier")


def train_classifier(images, labels, path):
    """Trains the classifier, saves it, and returns its accuracy on the images that it never saw."""
    random.seed(0)
    order = np.random.default_rng(0).permutation(len(images))
    held_out, rest = np.split(order, [min(HELD_OUT, len(order) // 10)])
    classifier = build_classifier()
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.RandomFlip("horizontal", seed=1)(inputs)
    x = keras.layers.RandomTranslation(0.1, 0.1, seed=2)(x)
    trained = keras.Model(inputs, classifier(x))
    steps = EPOCHS * -(-len(rest) // BATCH_SIZE)
    trained.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    trained.fit(images[rest].astype("float32"), labels[rest], BATCH_SIZE, epochs=EPOCHS, verbose=2)
    logits = classifier.predict(images[held_out].astype("float32"), verbose=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    classifier.save(path)
    return {"accuracy": float(np.mean(logits.argmax(axis=1) == labels[held_out]))}


def train(name, data, seed, given, stem):
    """Trains a model, and saves its losses and the GAN; returns the GAN and its settings."""
    random.seed(seed)  # Keras draws the initial weights from it
    images, labels = data
    build = getattr(kerasgan, f"build_{name}")
    if given.gpu:
        settings = GPU_SETTINGS.get(name, GPU_OTHERS)
    else:
        settings = learn.SETTINGS.get(name, learn.OTHERS)
    gan = build((32, 32, 3), filters=settings["filters"])
    gan.compile(ema=learn.EMA, augment=AUGMENT.get(name))
    clock = time.monotonic if given.gpu else time.process_time
    gan.fit(
        images,
        labels if gan.num_classes else None,
        batch_size=settings["batch_size"],
        epochs=10**6,
        callbacks=[
            stopping.StopAfter(60 * given.minutes, clock),
            callbacks.LossPlot(f"{stem}-losses.png"),
        ],
    )
    gan.save(f"{stem}.keras")
    return gan, settings


def measure(name, data, evaluator, classify, seed, given):
    """Trains or loads a model, saves its grid in `given.out`, and scores it."""
    given.out.mkdir(parents=True, exist_ok=True)
    stem = given.out / (name if seed == 0 else f"{name}-{seed}")
    if name == PRETRAINED:
        gan, settings = kerasgan.load_pretrained("cifar10"), {}
    else:
        gan, settings = train(name, data, seed, given, stem)
    learn.save_samples(gan, f"{stem}.png")
    asked = learn.spread_labels(gan, evaluator.count)
    fakes = gan.sample(evaluator.count, seed=evaluator.seed, labels=asked)
    measured = {
        **settings,
        "steps": gan.step,
        "parameters": gan.generator.count_params() + gan.discriminator.count_params(),
        **evaluator.protocol,
        "scores": evaluator(fakes),
        "floor": evaluator.floor,
    }
    if asked is not None:
        right = classify(fakes).argmax(axis=1) == asked
        measured["agreement"] = [float(right[asked == label].mean()) for label in range(10)]
    return measured


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", default=SMALLEST, help=f"any of {NAMES}"
    )
    parser.add_argument("--minutes", type=float, default=15.0, help="training time (default: 15)")
    parser.add_argument("--gpu", action="store_true", help="the builders' widths, by wall time")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--data-path", required=True, help="folder with one folder for each class")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/cifar10"))
    parser.add_argument("--encoders", type=pathlib.Path, default=results.ENCODERS, help="folder")
    given = parser.parse_args()
    if not set(given.models) <= set(NAMES):
        parser.error(f"MODEL must be one of {NAMES}. Received: {given.models}.")
    folder = kerasgan.datasets.ImageFolder(
        given.data_path, (32, 32, 3), batch_size=10**6, labels=True, shuffle=False
    )
    images, labels = data = folder[0]
    record = given.out / "cifar10.jsonl"
    path = given.encoders / "cifar10.keras"
    key = {"classifier": [EPOCHS, BATCH_SIZE, HELD_OUT]}
    trained = results.measure(
        path.with_name("encoders.jsonl"), key, train_classifier, images, labels, path
    )
    print(f"classifier: right for {trained['accuracy']:.4f} of the images that it never saw")
    classifier = keras.models.load_model(path)
    features = keras.Model(classifier.input, classifier.get_layer("features").output)
    evaluator = metrics.Evaluator(images, metrics.Encoder(features, name="cifar10_classifier"))
    classify = metrics.Encoder(classifier)
    rows = []
    for name in given.models:
        runs = []
        for seed in given.seeds:
            key = {"model": name, "training_seed": seed, "minutes": given.minutes, "gpu": given.gpu}
            key["encoder_hash"] = evaluator.encoder.hash
            arguments = (name, data, evaluator, classify, seed, given)
            runs.append(results.measure(record, key, measure, *arguments))
        columns = (("kernel_distance", 4), ("frechet_distance", 2), ("precision", 3), ("recall", 3))
        scores = [results.spread([run["scores"][n] for run in runs], d) for n, d in columns]
        steps = results.spread([run["steps"] for run in runs], 0)
        agreement = [np.mean(run["agreement"]) for run in runs if "agreement" in run]
        asked = results.spread(agreement, 3) if agreement else ""
        rows.append([name, runs[0]["parameters"], steps, *scores, asked])
    header = ["model", "parameters", "steps", "kernel", "Frechet", "precision", "recall"]
    print(results.table([*header, "agreement"], rows))
    print("real images:", evaluator.floor)
    print("classes:", ", ".join(folder.class_names))


if __name__ == "__main__":
    main()
