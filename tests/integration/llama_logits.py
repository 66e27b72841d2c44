"""Logits of a GGUF file by llama.cpp's library, as the packages llama-cpp-py-sync or llama-cpp-cffi bring it.

Keys, values and the softmax in float32, no flash attention: what is left of rounding is the matrix products' own. Products with float
weights are float32; in front of block types llama.cpp rounds activations to 8 bits.
"""
import importlib.machinery
import importlib.util
import pathlib

import gguf
import numpy as np

GGML_TYPE_F32 = 0
FLASH_ATTENTION_OFF = 0


def load_library():
    """(library, ffi) of the package that is there; ImportError where none is or its library does not load."""
    try:
        from llama_cpp_py_sync import _cffi_bindings
        return _cffi_bindings.get_lib(), _cffi_bindings.get_ffi()
    except (ImportError, RuntimeError) as first:
        package = importlib.util.find_spec("llama")  # of llama-cpp-cffi; its __init__ wants more than its library does
        folders = list(package.submodule_search_locations) if package else []
        found = [f for folder in folders for f in pathlib.Path(folder).glob("_llama_cpp_cpu*.so")]
        if not found:
            raise ImportError(f"llama.cpp's library: {first}") from first
        loader = importlib.machinery.ExtensionFileLoader("llama._llama_cpp_cpu", str(found[0]))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
        loader.exec_module(module)
        return module.lib, module.ffi


LIBRARY, FFI = load_library()
LIBRARY.llama_backend_init()
LOG = []  # kept for what goes wrong
LISTENER = FFI.callback("void(*)(enum ggml_log_level, const char *, void *)", lambda level, text, user: LOG.append(FFI.string(text)))
LIBRARY.llama_log_set(LISTENER, FFI.NULL)


class UnknownFamily(ValueError):
    """This version of llama.cpp is older than the family."""


def complaint(path, what):
    lines = [line.decode(errors="replace").strip() for line in LOG if b"error" in line] or ["it does not say why"]
    kind = UnknownFamily if "unknown model architecture" in lines[-1] else ValueError
    return kind(f"{path}: llama.cpp {what}: {lines[-1]}")


class LlamaCpp:
    """One model with one context."""

    def __init__(self, path, n_ctx=512, n_threads=2):
        self.model = LIBRARY.llama_model_load_from_file(str(path).encode(), LIBRARY.llama_model_default_params())
        if self.model == FFI.NULL:
            raise complaint(path, "does not load it")
        settings = LIBRARY.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = n_ctx
        settings.n_threads = settings.n_threads_batch = n_threads
        settings.type_k = settings.type_v = GGML_TYPE_F32
        if hasattr(settings, "flash_attn_type"):
            settings.flash_attn_type = FLASH_ATTENTION_OFF
        self.context = LIBRARY.llama_init_from_model(self.model, settings)
        if self.context == FFI.NULL:
            raise complaint(path, "makes no context for it")
        self.vocab = LIBRARY.llama_model_get_vocab(self.model)
        self.n_vocab = LIBRARY.llama_vocab_n_tokens(self.vocab)

    def tokens(self, text):
        """With BOS where the model wants it."""
        data = text.encode()
        ids = FFI.new("llama_token[]", len(data) + 8)
        n = LIBRARY.llama_tokenize(self.vocab, data, len(data), ids, len(data) + 8, True, False)
        if n < 0:
            raise ValueError("llama.cpp wants more tokens than bytes")
        return list(ids[0:n])

    def adds_bos(self):
        return bool(LIBRARY.llama_vocab_get_add_bos(self.vocab))

    def bos(self):
        return LIBRARY.llama_vocab_bos(self.vocab)

    def forget(self):
        if hasattr(LIBRARY, "llama_memory_clear"):
            LIBRARY.llama_memory_clear(LIBRARY.llama_get_memory(self.context), True)
        else:
            LIBRARY.llama_kv_self_clear(self.context)

    def logits(self, ids):
        """[tokens, vocabulary] of one sequence from position 0."""
        self.forget()
        batch = LIBRARY.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, i, 1
            batch.seq_id[i][0], batch.logits[i] = 0, 1
        status = LIBRARY.llama_decode(self.context, batch)
        LIBRARY.llama_batch_free(batch)
        if status != 0:
            raise ValueError(f"llama_decode of {len(ids)} tokens: {status}")
        data = FFI.buffer(LIBRARY.llama_get_logits(self.context), 4 * len(ids) * self.n_vocab)
        return np.frombuffer(data, np.float32).reshape(len(ids), self.n_vocab).copy()

    def close(self):
        LIBRARY.llama_free(self.context)
        LIBRARY.llama_model_free(self.model)


def log_softmax(logits):
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def dequantized_copy(source, out):
    """`source` with every tensor in float32, as gguf-py dequantizes it."""
    reader = gguf.GGUFReader(str(source))
    writer = gguf.GGUFWriter(str(out), reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind = field.types[0]
        writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, values.reshape([int(n) for n in reversed(tensor.shape)]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return pathlib.Path(out)
