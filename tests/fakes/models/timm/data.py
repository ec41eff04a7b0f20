"""The preprocessing of an old timm: no `resolve_model_data_config`; for Python 3.6 too."""


def resolve_data_config(_, model):
    return {"input_size": (3, 8, 8), "mean": (0.5, 0.5, 0.5)}


def create_transform(input_size, mean):
    return lambda picture: picture.number
