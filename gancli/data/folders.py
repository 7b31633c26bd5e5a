"""Folders that hold parts of the data, such as train/ and test/, rather than classes."""

import re
import unicodedata
from collections.abc import Collection

# Written as people write them; _words() makes them comparable. Splits, pieces, and kinds of files.
_PARTS = """
    train training trn test testing tests tst val valid validation validate dev development eval
    evaluation holdout heldout pred predict prediction inference unlabeled unlabelled extra
    Trainingsdaten Testdaten Validierung Validierungsdaten entraînement apprentissage essai
    entrenamiento prueba pruebas validación treino treinamento teste validação addestramento
    allenamento prova convalida validazione trainen testen validatie träning träningsdata træning
    trening treningowe testowe walidacja trénovací testovací eğitim doğrulama εκπαίδευση δοκιμή
    обучение обучающая обучающий тренировка тренировочная тест тестовая тестовый проверка
    проверочная валидация валидационная
    训练 训练集 测试 测试集 验证 验证集 訓練 訓練集 測試 測試集 驗證 驗證集 学習 テスト 検証 評価
    훈련 학습 테스트 검증 تدريب اختبار

    part parts chunk chunks shard shards batch fold split subset section segment block bucket
    volume vol disc disk cd dvd tar archive dump page folder dir directory session backup copy
    Teil partie parte deel część часть lot bloc Ordner dossier carpeta cartella папка 部分 フォルダ

    image images img imgs pic pics picture pictures photo photos file files data audio wav wavs
    sound sounds recordings clips flac mp3 text texts jpg jpeg png Bilder Fotos
    imágenes immagini zdjęcia фото 图片 照片 画像 写真
    mask masks label labels annotation annotations annots gt groundtruth segmentation segmentations
    depth edges normals input inputs output outputs target targets source sources hr lr thumb
    thumbs thumbnail thumbnails preview previews original originals processed raw matte matted
    jpegimages metadata
"""
# What may stand beside such a word: train_set, train2017, trainA, seg_train, train-clean-100.
_BESIDE_PARTS = """
    set sets dataset samples sample clean other public private final full small mini tiny seg cv
    new untitled class object ground truth augmented aug resized cropped orig of for
    Daten données datos dados dati dane данные выборка jeu ensemble conjunto de du di do
"""
_MONTHS = frozenset(
    "january february march april may june july august september october november december jan feb "
    "mar apr jun jul aug sep sept oct nov dec".split()
)

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAPITAL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
_DATE = re.compile(
    r"(19|20)\d\d([-_. ]?(0?[1-9]|1[0-2])([-_. ]?\d\d?)?)?|\d\d?[-_. ]\d\d?[-_. ](19|20)\d\d"
)
# The folders that cameras make: 100CANON, 101_PANA, 102MSDCF.
_CAMERA = re.compile(r"(?!\d+$)[1-9]\d\d[A-Z0-9_]{5}")
# 0-999, 1000-1999; ages such as 0-9 are classes.
_RANGE = re.compile(r"\d+ ?[-_] ?\d{2,}9")
# Folders named by the beginning of a hash.
_HASH = re.compile(r"[0-9a-f]{1,2}|[0-9A-F]{1,2}")
_MIN_HASHES = 12
_MIN_DIGITS = 3


def _words(name: str) -> list[str]:
    """Return the words and numbers of a name, without case and accents."""
    spaced = unicodedata.normalize("NFKD", _CAPITAL.sub(" ", unicodedata.normalize("NFC", name)))
    bare = "".join(char for char in spaced if not unicodedata.combining(char))
    return _WORD.findall(unicodedata.normalize("NFC", bare).casefold())


_PART_WORDS = frozenset(word for part in _PARTS.split() for word in _words(part))
_BESIDE = frozenset(word for part in _BESIDE_PARTS.split() for word in _words(part))
# trainset, Testbilder, and what is written without spaces; without accents, as in _words().
_PART_SET = re.compile(
    r"(.+?)s?(set|data|images|imgs|files|daten|bilder|集|数据|数据集|資料|図|"
    + "|".join(_words("データ データセット 데이터 세트")) + ")"
)


def _is_part(word: str) -> bool:
    if word in _PART_WORDS:
        return True
    match = _PART_SET.fullmatch(word)
    return match is not None and match[1] in _PART_WORDS


def _all_parts(names: Collection[str]) -> bool:
    words = [_words(name) for name in names]
    shared = set.intersection(*map(set, words))
    return all(
        any(map(_is_part, each)) and all(
            _is_part(word) or word in _BESIDE or word in shared or word.isdecimal()
            or (len(word) == 1 and word.isascii())
            for word in each
        )
        for each in words
    )


def _all_dates(names: Collection[str], below_dates: bool) -> bool:
    if all(_DATE.fullmatch(name) for name in names):
        return True
    words = [_words(name) for name in names]
    if all(_MONTHS & set(each) and all(word in _MONTHS or word.isdecimal() for word in each)
           for each in words):
        return True
    return below_dates and all(
        len(each) == 1 and each[0].isdecimal() and len(each[0]) <= 2 and int(each[0]) <= 31
        for each in words
    )


def _numbers_go_on(folders: list[str], paths: list[str]) -> bool:
    """Return whether folders 000, 001, ... hold files whose numbers go on from one to the next."""
    width = len(folders[0])
    if width < _MIN_DIGITS or not all(name.isdecimal() and len(name) == width for name in folders):
        return False
    numbers: dict[str, list[str]] = {name: [] for name in sorted(folders)}
    for path in paths:
        folder, _, rest = path.partition("/")
        digits = re.findall(r"\d+", rest.rpartition("/")[2].partition(".")[0])
        if not digits:
            return False
        numbers[folder].append(digits[-1].lstrip("0"))
    keys = [sorted((len(number), number) for number in each) for each in numbers.values()]
    return all(before[-1] < after[0] for before, after in zip(keys, keys[1:], strict=False))


def not_classes(folders: Collection[str], paths: list[str], below_dates: bool) -> str:
    """Return what folders beside each other are if they are not classes, or an empty string.

    Args:
        folders: Their names, two or more.
        paths: Posix paths of all files below, from these folders on.
        below_dates: Whether they are in folders that are dates.
    """
    names = sorted(folders)
    if _all_parts(names):
        return "parts of the data"
    if _all_dates(names, below_dates):
        return "dates"
    if all(map(_CAMERA.fullmatch, names)):
        return "folders of a camera"
    joined = "".join(names)
    if (
        len(names) >= _MIN_HASHES and all(map(_HASH.fullmatch, names))
        and len(set(map(len, names))) == 1 and not joined.isdigit() and not joined.isalpha()
    ):
        return "named by hashes"
    if all(map(_RANGE.fullmatch, names)) or _numbers_go_on(names, paths):
        return "consecutive pieces"
    return ""
