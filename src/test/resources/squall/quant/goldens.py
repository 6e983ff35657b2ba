import sys, numpy as np, gguf, torch
from gguf.constants import GGMLQuantizationType as T, GGML_QUANT_SIZES as SIZES
out = sys.argv[1]
rng = np.random.default_rng(20250)
# where the f16 scales of a block lie
SCALES = dict(Q8_0=[0], Q4_0=[0], Q4_1=[0, 2], Q5_0=[0], Q5_1=[0, 2], Q2_K=[80, 82], Q3_K=[108], Q4_K=[0, 2], Q5_K=[0, 2],
              Q6_K=[208], IQ4_NL=[0], IQ4_XS=[0], MXFP4=[], F16=[], BF16=[], F32=[])
for name, scales in SCALES.items():
    size, nbytes = SIZES[T[name]]
    n = 64 if size == 1 else 16 if size == 32 else 4
    blocks = rng.integers(0, 256, (n, nbytes), dtype=np.uint8)
    if name == 'F32': blocks = rng.standard_normal(n).astype('<f4').view(np.uint8).reshape(n, 4)
    if name == 'BF16': blocks = (rng.standard_normal(n).astype('<f4').view('<u4') >> 16).astype('<u2').view(np.uint8).reshape(n, 2)
    if name == 'F16': blocks = np.array([0, 0x8000, 1, 0x83ff, 0x0400, 0x7bff] + list(rng.standard_normal(n - 6).astype('<f2').view('<u2')), '<u2').view(np.uint8).reshape(n, 2)
    if name == 'MXFP4': blocks[:, 0] = [0, 1, 2, 3, 100, 118, 120, 124, 126, 127, 128, 129, 140, 200, 250, 251]
    for at in scales:
        d = rng.standard_normal(n).astype('<f2') * np.float16(0.1)
        d[1] = 6e-8; d[2] = -3e-6  # subnormal
        blocks[:, at:at + 2] = d.astype('<f2').view(np.uint8).reshape(n, 2)
    with np.errstate(all='raise', under='ignore'):
        y = blocks.view('<f2').astype('<f4') if name == 'F16' else blocks.view('<f4') if name == 'F32' else gguf.dequantize(blocks.reshape(-1), T[name])
    y = np.ascontiguousarray(y).astype('<f4').reshape(-1)
    assert y.size == n * size and np.isfinite(y).all(), name
    open(f'{out}/{name}.blocks', 'wb').write(blocks.tobytes()); open(f'{out}/{name}.f32', 'wb').write(y.tobytes())
codes = np.arange(256, dtype=np.uint8)
open(f'{out}/F8_E4M3.blocks', 'wb').write(codes.tobytes())
open(f'{out}/F8_E4M3.f32', 'wb').write(torch.from_numpy(codes).view(torch.float8_e4m3fn).to(torch.float32).numpy().astype('<f4').tobytes())
open(f'{out}/F8_E8M0.blocks', 'wb').write(codes[:255].tobytes())
open(f'{out}/F8_E8M0.f32', 'wb').write(torch.from_numpy(codes[:255]).view(torch.float8_e8m0fnu).to(torch.float32).numpy().astype('<f4').tobytes())
