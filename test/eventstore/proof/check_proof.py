"""Checks a proof of Waybill's by nothing but Python: python3 check_proof.py PROOF.json VERIFIER

PROOF.json is what `auditProof` gives, VERIFIER what `waybill proof-key` prints.
"""

import base64
import hashlib
import json
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    root, at, last = sha256(b"\x00" + leaf), index, size - 1
    path = list(path)
    while last > 0:
        if at % 2 == 1:
            root = sha256(b"\x01" + path.pop(0) + root)
        elif at < last:
            root = sha256(b"\x01" + root + path.pop(0))
        at, last = at // 2, last // 2
    assert not path, "the path is too long"
    return root


# ed25519 as in RFC 8032, section 6.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, d - c, d + c, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar, point):
    total = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * I % P
    assert (x * x - square) % P == 0, "no point of the curve"
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key, text, signature):
    r, s = point(signature[:32]), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % Q
    left, right = times(s, BASE), add(r, times(h, point(key)))
    return s < Q and all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def check(proof, verifier):
    name, key_id, key = verifier.split("+", 2)
    inclusion = proof["inclusion"]
    text, signatures = inclusion["checkpoint"].split("\n\n", 1)
    text += "\n"
    _, by, signature = signatures.splitlines()[0].split(" ")
    signature = base64.b64decode(signature)
    assert by == name and signature[:4].hex() == key_id, "signed by another key"
    assert is_signed(base64.b64decode(key)[1:], text.encode(), signature[4:]), "not signed"
    size, root = text.splitlines()[1:3]
    path = [base64.b64decode(step) for step in inclusion["path"]]
    found = root_of(base64.b64decode(proof["leaf"]), inclusion["index"], int(size), path)
    assert found == base64.b64decode(root), "the event is not what was sealed"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf8") as file:
        check(json.load(file), sys.argv[2])
    print("proven")
