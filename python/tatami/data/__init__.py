"""Data on its way to a model: datasets, batches, splits, scaling, augmentation."""

from . import augment, datasets
from .dataset import ArrayDataset, Dataset, Subset
from .folder import image_folder
from .loader import DataLoader
from .scale import PCA, ZCA, Normalize, Scaler, Standardize, normalize, standardize
from .sound import read_wav, sound_folder, write_wav
from .split import KFold, StratifiedKFold, one_hot, train_test_split

__all__ = [
    "PCA",
    "ZCA",
    "ArrayDataset",
    "DataLoader",
    "Dataset",
    "KFold",
    "Normalize",
    "Scaler",
    "Standardize",
    "StratifiedKFold",
    "Subset",
    "augment",
    "datasets",
    "image_folder",
    "normalize",
    "one_hot",
    "read_wav",
    "sound_folder",
    "standardize",
    "train_test_split",
    "write_wav",
]
