"""The training steps that training_steps.py measures, in each library."""

CLASSIFIERS = ("lenet", "mlp", "vgg", "resnet18", "tiny")
TEXTS = ("lstm", "gru")
GENERATIVE = ("dcgan", "vae")
