"""Keras Tuner looks for a GAN's settings, with an image metric as its objective.

    pip install keras-tuner
    python docs/examples/tune.py

Losses of GANs do not say how good the images are, so the objective is the kernel distance to real
images. It is unbiased also with few samples. The tuner minimises what `fit` returns.
"""

import random

import keras
import keras_tuner

import kerasgan


class DCGAN(keras_tuner.HyperModel):
    """DCGANs of different rates and update schemes, each judged after `steps` steps."""

    def __init__(self, images, evaluator, steps):
        super().__init__()
        self.images, self.evaluator, self.steps = images, evaluator, steps

    def build(self, hp):
        random.seed(0)
        gan = kerasgan.build_dcgan(self.images.shape[1:], filters=8)
        rate = hp.Float("d_learning_rate", 1e-4, 2e-3, sampling="log")
        gan.compile(
            d_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
            update=hp.Choice("update", ["joint", "simultaneous"]),
            ema=0.99,
        )
        return gan

    def fit(self, hp, gan, **kwargs):
        gan.fit(self.images, batch_size=64, steps=self.steps, verbose=0)
        return {"kernel_distance": self.evaluator(gan)["kernel_distance"]}


def main(trials=4, steps=200, count=1_000, folder="runs/tune", data_path=None):
    digits, _ = kerasgan.datasets.load_mnist("train", data_path)
    evaluator = kerasgan.metrics.Evaluator(digits, kerasgan.metrics.mnist_encoder(), count)
    tuner = keras_tuner.RandomSearch(
        DCGAN(digits, evaluator, steps),
        objective=keras_tuner.Objective("kernel_distance", "min"),
        max_trials=trials,
        seed=0,
        directory=folder,
        overwrite=True,
    )
    tuner.search()
    best = tuner.get_best_hyperparameters()[0]
    print(best.values)
    return tuner


if __name__ == "__main__":
    main()
