"""Hostile files, each made by this module: all any of them would do is leave a mark at one path."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import marshal
import pickle
import struct
import tarfile
import zipfile
import zlib
from functools import cache

import joblib
import numpy as np


class Call:
    """Pickles as a call."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def plain(value, protocol=2):
    """Return the instructions that make a value, without head and end."""
    return pickle.dumps(value, protocol)[2:-1]


def call(name, *args):
    """Return the instructions that call a global."""
    module, _, last = name.rpartition(".")
    return b"c" + f"{module}\n{last}\n".encode() + plain(args) + b"R"


def whole(body, protocol=2):
    return b"\x80" + bytes([protocol]) + body + b"."


def zipped(members, stored=False):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def sparse(size):
    """Return a tar archive of 1,536 bytes with one member that claims to be so long, and holds nothing (GNU's old form)."""
    head = bytearray(512)

    def put(at, content):
        head[at : at + len(content)] = content

    number = b"\x80" + size.to_bytes(11, "big")  # 12 bytes, for what does not fit into octal digits
    put(0, b"weights.bin")
    put(100, b"0000644\0" + b"0000000\0" * 2 + b"00000000000\0" * 2)
    put(156, b"S")
    put(257, b"ustar  \0")
    put(386, number + b"00000000000\0")  # one run of data: at the end, and empty
    put(483, number)
    put(148, b" " * 8)
    put(148, b"%06o\0 " % sum(head))
    return bytes(head) + bytes(1024)


def tarred(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def by_joblib(thing, compress=0):
    stream = io.BytesIO()
    joblib.dump(thing, stream, compress=compress)
    return stream.getvalue()


def npy(thing):
    stream = io.BytesIO()
    np.save(stream, np.array([thing, None], dtype=object), allow_pickle=True)
    return stream.getvalue()


@cache
def by_call(mark):
    """Return pickles that call one global, by its name: (bytes, whether opening it leaves the mark)."""
    touch = f"open({mark!r}, 'w').close()"
    calls = {
        "os.system": (f"touch {mark}",), "posix.system": (f"touch {mark}",), "builtins.eval": (touch,), "builtins.exec": (touch,),
        "builtins.open": (mark, "w"), "io.open": (mark, "w"), "_io.FileIO": (mark, "w"), "codecs.open": (mark, "w"), "os.mkdir": (mark,),
        "os.makedirs": (mark,), "posix.mkdir": (mark,), "os.mkfifo": (mark,), "os.symlink": ("/nowhere", mark), "shutil.copyfile": (__file__, mark),
        "shutil.copytree": (__file__.rpartition("/")[0], mark), "shutil.make_archive": (mark, "tar", "/dev"), "subprocess.Popen": (["touch", mark],),
        "subprocess.call": (["touch", mark],), "subprocess.check_output": (["touch", mark],), "subprocess.run": (["touch", mark],),
        "subprocess.getoutput": (f"touch {mark}",), "os.popen": (f"touch {mark}",), "os.spawnvp": (0, "touch", ["touch", mark]),
        "timeit.timeit": (touch, "pass", None, 1), "cProfile.run": (touch,), "bdb.Bdb": (), "code.interact": (), "pdb.run": (touch,),
        "runpy.run_path": (mark + ".py",), "runpy._run_code": (touch, {}), "importlib.import_module": ("this",), "pty.spawn": (["true"],),
        "logging.FileHandler": (mark,), "zipfile.ZipFile": (mark, "w"), "tarfile.open": (mark, "w"), "gzip.open": (mark, "w"), "bz2.open": (mark, "w"),
        "sqlite3.connect": (mark,), "shelve.open": (mark,), "dbm.dumb.open": (mark,), "numpy.memmap": (mark, "uint8", "w+", 0, (1,)),
        "numpy.lib.format.open_memmap": (mark, "w+", "uint8", (1,)), "numpy.save": (mark, 1), "numpy.fromfile": (mark,), "numpy.load": (mark, None, True),
        "joblib.memory.Memory": (mark,), "joblib.load": (mark,), "joblib.dump": (1, mark), "torch.load": (mark,), "torch.hub.load": (mark, "m"),
        "pandas.read_pickle": (mark,), "pandas.eval": (touch,), "dill.loads": (b"",), "cloudpickle.loads": (b"",), "pickle.loads": (b"",), "_pickle.loads": (b"",),
        "numpy._core._ufunc_reconstruct": ("os", "system"), "numpy.core._ufunc_reconstruct": ("os", "system"), "ctypes.CDLL": (None,),
        "webbrowser.open": ("file:///dev/null",), "socket.create_connection": (("127.0.0.1", 9),), "urllib.request.urlopen": ("file:///dev/null",),
        "builtins.getattr": ("", "join"), "builtins.__import__": ("this",), "builtins.type": ("T", (), {}), "builtins.compile": (touch, "", "exec"),
        "builtins.map": (None, ()), "operator.attrgetter": ("system",), "operator.methodcaller": ("upper",), "functools.partial": ("",),
        "types.SimpleNamespace": (), "marshal.loads": (marshal.dumps(1),), "types.CodeType": (), "sys.exit": (), "os._exit": (0,), "os.kill": (0, 0),
        "multiprocessing.util.spawnv_passfds": (b"/bin/true", [], []), "asyncio.run": (None,), "site.addsitedir": (mark,), "pip.main": (["--help"],),
        "sklearn.utils._set_output.import_module": ("this",), "sklearn.datasets.load_files": (mark,), "sklearn.datasets.fetch_openml": ("x",),
        "lightgbm.basic.Dataset": (mark,), "xgboost.core.DMatrix": (mark,), "scipy.io.loadmat": (mark,), "pydoc.pipepager": ("", f"touch {mark}"),
        "commands.getoutput": (f"touch {mark}",), "__builtin__.eval": (touch,), "nt.system": (f"touch {mark}",),
    }  # fmt: skip
    return {name: whole(call(name, *args)) for name, args in calls.items()}


@cache
def by_form(mark):
    """Return files that ask for `os.system` or its like in other ways: {name: (bytes, rule, a word of the refusal)}."""
    run = Call(__import__("os").system, f"touch {mark}")
    raw, touch = pickle.dumps(run), f"touch {mark}"
    system = b"cposix\nsystem\n"
    one, mem = plain(touch), b"\x94"
    text = plain("posix"), plain("system")
    return {
        **{f"protocol {p}": (pickle.dumps(run, p), "pickle-global", "posix.system") for p in range(6)},
        "INST": (b"(S" + repr(touch).encode() + b"\niposix\nsystem\n.", "pickle-global", "posix.system"),
        "OBJ": (whole(b"(" + system + one + b"o"), "pickle-global", "posix.system"),
        "NEWOBJ": (whole(b"csubprocess\nPopen\n" + plain((["touch", mark],)) + b"\x81", 4), "pickle-global", "subprocess.Popen"),
        "NEWOBJ_EX": (whole(b"csubprocess\nPopen\n" + plain((["touch", mark],)) + b"}\x92", 4), "pickle-global", "subprocess.Popen"),
        "STACK_GLOBAL": (b"\x80\x04\x8c\x05posix\x8c\x06system\x93" + plain((touch,)) + b"R.", "pickle-global", "posix.system"),
        "names from the memo": (b"\x80\x04\x8c\x05posix" + mem + b"0\x8c\x06system" + mem + b"0h\x00h\x01\x93" + plain((touch,)) + b"R.", "pickle-global", "posix.system"),
        "names in a unicode escape": (b"(V\\u0070osix\nVsyste\\u006d\n" + b"\x93" + b"(" + plain(touch) + b"tR.", "pickle-global", "posix.system"),
        "a dotted name": (b"\x80\x04\x8c\x07pathlib\x8c\x0aPath.touch\x93" + b"cpathlib\nPath\n" + plain((mark,)) + b"R\x85R.", "pickle-global", "Path.touch"),
        "a computed name": (whole(text[0] + call("builtins.str", "system") + b"\x93" + plain((touch,)) + b"R", 4), "pickle-computed", "computes"),
        "a computed call": (whole(b"cfunctools\npartial\n(" + system + one + b"tR)R"), "pickle-computed", "functools.partial"),
        "getattr": (whole(b"cbuiltins\ngetattr\n(" + call("builtins.__import__", "os") + plain("system") + b"tR" + plain((touch,)) + b"R"), "pickle-computed", "builtins.getattr"),
        "an instance called": (whole(b"coperator\nmethodcaller\n" + plain(("touch",)) + b"R(cpathlib\nPath\n" + plain((mark,)) + b"RtR"), "pickle-computed", "methodcaller"),
        "map in a list": (whole(b"cbuiltins\nlist\n(cbuiltins\nmap\n(" + system + plain([touch]) + b"tRtR"), "pickle-global", "builtins.map"),
        "a class is changed": (whole(b"csklearn.linear_model._logistic\nLogisticRegression\n(N}" + plain("predict") + system + b"stb"), "pickle-global", "posix.system"),
        "a class is built": (whole(b"csklearn.linear_model._logistic\nLogisticRegression\n(N}" + plain("predict") + plain(1) + b"stb"), "pickle-computed", "a change of"),
        "a text in a distribution": (whole(b"cscipy.stats._continuous_distns\nnorm_gen\n)\x81}" + plain("_parse_arg_template") + plain(f"open({mark!r},'w')") + b"s" + b"b"), "pickle-global", "norm_gen"),
        "extension registry 1": (whole(b"\x82\x05"), "pickle-extension", "code 5"),
        "extension registry 2": (whole(b"\x83\x05\x01"), "pickle-extension", "code 261"),
        "extension registry 4": (whole(b"\x84\x05\x00\x00\x01"), "pickle-extension", "code"),
        "persistent id": (b"Pos.system\n.", "pickle-persistent", "ids"),
        "binary persistent id": (whole(plain("os.system") + b"Q"), "pickle-persistent", "ids"),
        "a buffer from outside": (whole(b"\x97", 5), "pickle-broken", "buffers"),
        "broken after the call": (raw[:-1] + b"\xff", "pickle-broken", "posix.system"),
        "cut after the call": (pickle.dumps(run, 2)[:-1], "pickle-broken", "posix.system"),
        "an unknown instruction first": (b"\x80\x04\xff" + raw, "pickle-broken", "read to its end"),
        "stack underflow after the call": (raw[:-1] + b"00000.", "pickle-broken", "posix.system"),
        "a false frame": (b"\x80\x04\x95" + struct.pack("<Q", 2**40) + raw[2:], "", "posix.system"),
        "a second stream": (pickle.dumps({"fine": 1}) + raw, "trailing", "posix.system"),
        "a tenth stream": (pickle.dumps(1) * 9 + raw, "trailing", "posix.system"),
        "a zip behind": (pickle.dumps(1) + zipped([("a.pkl", raw)]), "polyglot", "posix.system"),
        "before a zip": (raw + zipped([("a.txt", "fine")]), "polyglot", "posix.system"),
        "text behind": (pickle.dumps(1) + b"and more", "trailing", "follow"),
        **{f"joblib {how}": (by_joblib(run, (how, 3)), "pickle-global", "posix.system") for how in ("gzip", "zlib", "bz2", "xz", "lzma")},
        "joblib": (by_joblib(run), "pickle-global", "posix.system"),
        "behind an array": (by_joblib([np.arange(500.0), run]), "pickle-global", "posix.system"),
        "before an array": (by_joblib([run, np.arange(500.0)]), "pickle-global", "posix.system"),
        "in an array of objects": (by_joblib([np.array([run, 1], dtype=object), 2]), "pickle-global", "posix.system"),
        "in an array of objects, packed": (by_joblib({"a": np.array([run, 1], dtype=object)}, 3), "pickle-global", "posix.system"),
        "gzip twice": (gzip.compress(gzip.compress(raw)), "pickle-global", "posix.system"),
        "bz2 in xz": (lzma.compress(bz2.compress(raw)), "pickle-global", "posix.system"),
        "a second member": (gzip.compress(pickle.dumps(1)) + gzip.compress(raw), "trailing", "posix.system"),
        "behind zlib": (zlib.compress(pickle.dumps(1)) + raw, "packing", "follow"),
        "lz4": (b"\x04\x22\x4d\x18" + raw, "packing", "lz4"), "zstd": (b"\x28\xb5\x2f\xfd" + raw, "packing", "zstd"),
        "a packed bomb": (_bomb(), "bomb", "unpacks to more"),
        ".npy of objects": (npy(run), "npy-objects", "posix.system"),
        ".npz of objects": (zipped([("x.npy", npy(run))]), "npy-objects", "posix.system"),
        ".npy and more": (_numbers() + raw, "trailing", "follow"),
        "zip": (zipped([("model.pkl", raw)]), "pickle-global", "posix.system"),
        "zip of another name": (zipped([("weights.bin", raw)]), "pickle-global", "posix.system"),
        "zip in zip in zip": (zipped([("a.zip", zipped([("b.zip", zipped([("c", raw)]))]))]), "pickle-global", "posix.system"),
        "zips nine deep": (_deep(raw, 9), "nested", "deep"),
        "tar": (tarred([("m.pkl", raw)]), "pickle-global", "posix.system"),
        "tar.gz": (gzip.compress(tarred([("m.pkl", raw)])), "pickle-global", "posix.system"),
        "tar that climbs": (tarred([("../../x", b"fine")]), "archive-path", "leads out"),
        "zip that climbs": (zipped([("../../x", "fine")]), "archive-path", "leads out"),
        "zip with an absolute path": (zipped([("/etc/x", "fine")]), "archive-path", "leads out"),
        "zip with two of a name": (_double(raw), "archive-double", "are called"),
        "zip with a false checksum": (_false_checksum(raw), "archive-broken", "zip archive cannot be read"),
        "zip said to be locked": (_locked(raw), "archive-locked", "encrypted"),
        "zip with text before": (b"#!/bin/sh\ntouch\n" + zipped([("a", "fine")]), "polyglot", "zip archive too"),
        "zip with a script": (zipped([("run.sh", f"touch {mark}")]), "archive-code", "code"),
        "torch": (zipped([("m/data.pkl", raw), ("m/version", "3\n")], stored=True), "torch-global", "posix.system"),
        "torch with a listed name": (zipped([("m/data.pkl", whole(call("numpy.dtype", "f8"))), ("m/version", "3\n")]), "torch-global", "numpy.dtype"),
        "torch with code": (zipped([("m/data.pkl", pickle.dumps({})), ("m/code/m.py", "print(1)")]), "torch-code", "code"),
        "torch of before 2020": (_torch_legacy(raw), "torch-global", "posix.system"),
        "skops with a function": (_skops("system", "posix", "FunctionNode"), "skops-type", "posix.system"),
        "skops with a method": (_skops("attrgetter", "operator", "OperatorFuncNode"), "skops-type", "operator.attrgetter"),
        "skops with a partial": (_skops("partial", "functools", "PartialNode"), "skops-type", "functools.partial"),
        "skops of no JSON": (zipped([("schema.json", "{")]), "skops-broken", "no JSON"),
        "skops with a pickle": (zipped([("schema.json", json.dumps({"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode"})), ("1.npy", npy(run))]), "npy-objects", "posix.system"),
        "Keras with code": (zipped([("metadata.json", "{}"), ("config.json", json.dumps({"config": {"layers": [{"class_name": "Lambda", "module": "keras.layers"}]}}))]), "keras-code", "Lambda"),
        "Keras with a foreign class": (zipped([("metadata.json", "{}"), ("config.json", json.dumps({"class_name": "Popen", "module": "subprocess"}))]), "keras-code", "subprocess.Popen"),
        "HDF5 with code": (b"\x89HDF\r\n\x1a\n" + b'{"class_name": "Lambda"}', "keras-code", "Lambda"),
        "safetensors with tensors that overlap": (_safetensors([0, 8], [4, 12]), "safetensors-broken", "overlap"),
        "safetensors and more": (_safetensors([0, 8], [8, 16]) + raw, "safetensors-broken", "follow"),
        "ONNX with tensors elsewhere": (bytes.fromhex("3a0c") + bytes.fromhex("2a0a") + bytes.fromhex("6a08") + b"\x0a\x06secret"[:8], "onnx-external", "other files"),
        "a program": (b"\x7fELF" + raw, "format", "a program"),
        "a script": (f"#!/bin/sh\ntouch {mark}\n".encode(), "format", "a script"),
        "a joblib file of before 2016": (b"ZF0x5" + raw, "format", "before 2016"),
        "a listed estimator that calls what is not": (by_joblib(_function_transformer()), "pickle-global", "eval"),
    }  # fmt: skip


@cache
def _bomb():
    return gzip.compress(bytes(80 * 2**20))


def _numbers():
    stream = io.BytesIO()
    np.save(stream, np.arange(4.0))
    return stream.getvalue()


def _deep(data, times):
    for i in range(times):
        data = zipped([(f"{i}.zip", data)])
    return data


def _double(raw):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zipped([("model.pkl", pickle.dumps(1)), ("model.pkl", raw)])


def _false_checksum(raw):
    data = zipped([("model.pkl", raw)], stored=True)
    at = data.index(raw)
    return data[:at] + raw[:-2] + bytes([raw[-2] ^ 1]) + raw[-1:] + data[at + len(raw) :]


def _locked(raw):
    data = bytearray(zipped([("model.pkl", raw)], stored=True))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def _torch_legacy(raw):
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    return magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + raw + pickle.dumps([], 2)


def _skops(name, module, loader):
    schema = {"__class__": name, "__module__": module, "__loader__": loader, "content": name, "__id__": 1, "protocol": 2, "_skops_version": "0.16.0"}  # fmt: skip
    return zipped([("schema.json", json.dumps(schema))])


def _safetensors(*spans):
    head = json.dumps(
        {
            f"t{i}": {"dtype": "F32", "shape": [(b - a) // 4], "data_offsets": [a, b]}
            for i, (a, b) in enumerate(spans)
        }
    ).encode()
    return struct.pack("<Q", len(head)) + head + bytes(max(b for _, b in spans))


def _function_transformer():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(eval))
