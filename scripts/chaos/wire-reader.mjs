// Reads what one client sends over one connection: HTTP requests, their bodies inflated, then WebSocket frames, unmasked.
import { gunzipSync } from 'node:zlib'

const HEAD_END = '\r\n\r\n'

export class WireReader {
  #told
  #bytes = Buffer.alloc(0)
  #isWebSocket = false
  /** Why it does not understand the connection, or null. What it can't read can't be said to be clean. */
  fault = null

  /** `told` gets each text that was read: a request's head, a body, the payload of a frame. */
  constructor(told) {
    this.#told = told
  }

  take(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    while (this.fault === null && (this.#isWebSocket ? this.#frame() : this.#request()));
  }

  #request() {
    const end = this.#bytes.indexOf(HEAD_END)
    if (end === -1) return false
    const head = this.#bytes.toString('latin1', 0, end)
    if (/^transfer-encoding:/im.test(head)) return this.#fail('a body of unknown length')
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    const from = end + HEAD_END.length
    if (this.#bytes.length < from + length) return false
    this.#told(head)
    this.#body(this.#bytes.subarray(from, from + length), /^content-encoding: *gzip/im.test(head))
    this.#isWebSocket = /^upgrade: *websocket/im.test(head)
    this.#bytes = this.#bytes.subarray(from + length)
    return true
  }

  #body(bytes, isZipped) {
    try {
      if (bytes.length > 0) this.#told((isZipped ? gunzipSync(bytes) : bytes).toString('utf8'))
    } catch {
      this.#fail('a body that can not be inflated')
    }
  }

  #frame() {
    const bytes = this.#bytes
    if (bytes.length < 2) return false
    if ((bytes[0] & 0x70) !== 0) return this.#fail('a frame with an extension')
    if ((bytes[1] & 0x80) === 0) return this.#fail('a frame without a mask')
    const short = bytes[1] & 0x7f
    const from = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
    if (bytes.length < from + 4) return false
    const size = from === 2 ? short : Number(BigInt(`0x${bytes.toString('hex', 2, from)}`))
    if (bytes.length < from + 4 + size) return false
    const mask = bytes.subarray(from, from + 4)
    const payload = Buffer.from(bytes.subarray(from + 4, from + 4 + size))
    for (let at = 0; at < size; at += 1) payload[at] ^= mask[at & 3]
    this.#told(payload.toString('utf8'))
    this.#bytes = bytes.subarray(from + 4 + size)
    return true
  }

  #fail(why) {
    this.fault = why
    return false
  }
}
