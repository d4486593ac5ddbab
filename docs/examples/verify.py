#!/usr/bin/env python3
"""Checks what a Novation network proves, knowing only its chain id and its group key: docs/VERIFYING.md in code.

    novation query certificate latest --json | verify.py CHAIN GROUP_KEY
    novation query transaction HASH --proof --json | verify.py CHAIN GROUP_KEY
    novation query account NAME --proof --json | verify.py CHAIN GROUP_KEY

Needs Python 3.8 and PyNaCl. Prints what is proven; ends with an error otherwise.
"""
import json, struct, sys
from hashlib import blake2b
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

def need(holds, otherwise):
    if not holds:
        sys.exit("refused: " + otherwise)

digest = lambda *parts: blake2b(b"".join(parts), digest_size=32).digest()
sized = lambda part: struct.pack("<I", len(part)) + part
tagged = lambda domain, *parts: digest(bytes([len(domain)]), domain, *map(sized, parts))
node = lambda tag, left, right: digest(bytes([tag]), left, right)

def certificate(c, chain, key):
    """(height, state root) that the group signed."""
    header, root = bytes.fromhex(c["header"]), bytes.fromhex(c["stateRoot"])
    epoch_view_height = header[:24]
    name = tagged(b"novation/header/v1", chain, header)
    message = tagged(b"novation/final64/v1", chain + epoch_view_height + name + root)
    try:
        VerifyKey(key).verify(message, bytes.fromhex(c["signature"]))
    except BadSignatureError:
        need(False, "the signature is not the group's")
    return struct.unpack("<Q", header[16:24])[0], root

def record(root, table, key, value, path):
    """A record of the state under the root: the bits of its hash say on which side each sibling lies."""
    place = digest(bytes([table]), key)
    count = struct.unpack("<I", path[:4])[0]
    need(len(path) == 5 + 32 * count and path[-1] == 0, "not the path of a record that is there")
    at = node(0x10, place, digest(value))
    for depth in reversed(range(count)):
        sibling = path[4 + 32 * depth : 36 + 32 * depth]
        right = place[depth // 8] >> (7 - depth % 8) & 1
        at = node(0x11, sibling, at) if right else node(0x11, at, sibling)
    need(at == root, "the record is not under the certified state root")

def receipt(document, height, root):
    proof, index = document["proof"]["receipt"], document["index"]
    value, outcome = bytes.fromhex(proof["record"]), bytes.fromhex(proof["outcome"])
    record(root, 64, b"\0", value, bytes.fromhex(proof["recordPath"]))
    of, width = struct.unpack("<QI", value[:12])
    need(type(index) is int and 0 <= index < width, "not the receipt of its place")
    at, path, place = tagged(b"novation/receipt/v1", outcome), list(map(bytes.fromhex, proof["path"])), index
    while width > 1:
        if place ^ 1 < width:
            at = node(1, path.pop(0), at) if place & 1 else node(1, at, path.pop(0))
        place, width = place // 2, (width + 1) // 2
    need(of == height == document["height"] and not path and at == value[12:44], "not the receipt of its place")
    status = "rejected" if outcome[36] else "final"
    need(outcome[:32].hex() == document["transaction"] and status == document["status"], "another transaction")
    return f"receipt of {document['transaction']}: {status} at height {height}, index {index}"

def main(chain, key):
    chain, key, document = bytes.fromhex(chain), bytes.fromhex(key), json.load(sys.stdin)
    if "transaction" in document:
        return receipt(document, *certificate(document["proof"], chain, key))
    if "account" not in document:
        height, root = certificate(document, chain, key)
        return f"certificate of height {height}, state root {root.hex()}"
    height, root = certificate(document["proof"]["certificate"], chain, key)
    for r in document["proof"]["records"]:
        record(root, r["table"], *(bytes.fromhex(r[part]) for part in ("key", "value", "path")))
    account = next(r for r in document["proof"]["records"] if r["table"] == 2)
    cash = struct.unpack("<q", bytes.fromhex(account["value"])[4:12])[0]
    need(account["key"] == document["account"], "the records of another account")
    need(document["balances"]["USD"] == "%s%d.%06d" % ("-" * (cash < 0), abs(cash) // 10**6, abs(cash) % 10**6), "cash")
    return f"account {document['account']}: {document['balances']['USD']} USD at height {height}"

if __name__ == "__main__":
    print("proven:", main(*sys.argv[1:3]))
