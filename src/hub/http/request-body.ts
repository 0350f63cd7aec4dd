/** The body of a request, bounded before and after it is inflated, and why a request is refused. */
import type { IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { systemCode } from '../../errors.ts'
import type { Refusal } from '../access/guard.ts'

export class RequestFault extends Error {
  readonly refusal: Refusal
  constructor(status: number, code: string, message: string, body?: object) {
    super(message)
    this.refusal = { status, code, message, ...(body === undefined ? {} : { body }) }
  }
}

/** How much more than it may have is read of a body and thrown away, so that its sender comes to read the answer. */
const SURPLUS_BYTES_MAX = 4 * 1024 * 1024

/** The bytes of a body. Rejects with a `RequestFault` where there are more than `bytesMax`. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bytesMax) chunks.push(chunk)
      else chunks = []
      if (bytes > bytesMax + SURPLUS_BYTES_MAX) reject(tooLarge(bytesMax))
    })
    request.on('end', () => {
      if (bytes > bytesMax) reject(tooLarge(bytesMax))
      else resolve(Buffer.concat(chunks))
    })
    request.on('error', reject)
    request.on('close', () => reject(new RequestFault(400, 'BAD_REQUEST', 'the body is not whole')))
  })
}

/**
 * The text of a body that may be compressed; no more than `bytesMax` is ever inflated.
 *
 * @throws RequestFault
 */
export function textOf(body: Buffer, encoding: string | undefined, bytesMax: number): string {
  const bytes = inflated(body, encoding ?? 'identity', bytesMax)
  if (bytes.length > bytesMax) throw tooLarge(bytesMax)
  return bytes.toString('utf8')
}

function inflated(body: Buffer, encoding: string, bytesMax: number): Buffer {
  switch (encoding.toLowerCase()) {
    case 'identity':
      return body
    case 'gzip':
      return gunzip(body, bytesMax)
    default:
      throw new RequestFault(
        415,
        'ENCODING_UNSUPPORTED',
        'a body of gzip or plain JSON is expected',
      )
  }
}

// At once rather than in a pool: one body is inflated at a time, which is what bounds the memory.
function gunzip(body: Buffer, bytesMax: number): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: bytesMax })
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax)
    throw new RequestFault(400, 'BAD_REQUEST', 'not gzip', { error: 'The body is not gzip' })
  }
}

function tooLarge(bytesMax: number): RequestFault {
  return new RequestFault(413, 'TOO_LARGE', `too large: a body has at most ${bytesMax} bytes`)
}
