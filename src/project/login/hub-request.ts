/**
 * One HTTP request to a hub and its JSON answer: a deadline for the whole of it, a cap on the body, and no
 * redirect is ever followed, because the token must not travel to where a `Location` points.
 */
import { request as requestHttp } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { gzipSync } from 'node:zlib'
import { parseJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { systemCode } from '../../errors.ts'

export const HUB_TIMEOUT_MS = 10_000
export const HUB_BODY_BYTES_MAX = 64 * 1024
/** The longest `Retry-After` that is obeyed. */
export const RETRY_AFTER_MAX_MS = 15 * 60_000

export type HubRequest = {
  readonly method: 'GET' | 'POST'
  readonly url: string
  /** Must have passed `isToken`. */
  readonly token: string
  readonly body?: JsonObject
  /** JSON as it is, compressed here; instead of `body`. */
  readonly gzipped?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  readonly bytesMax?: number
  readonly signal?: AbortSignal | undefined
}

export type HubReply =
  | {
      readonly kind: 'reply'
      readonly status: number
      /** Null where the body is absent, too large or not one JSON object. */
      readonly body: JsonObject | null
      readonly retryAfterMs: number | null
    }
  | { readonly kind: 'failed'; readonly cause: 'network' | 'tls' | 'timeout' | 'aborted' }

/** Never rejects: what went wrong is part of the answer. */
export function requestHub(options: HubRequest): Promise<HubReply> {
  return new Promise((resolve) => {
    const failed = (cause: 'network' | 'tls' | 'timeout' | 'aborted') => {
      finish({ kind: 'failed', cause })
    }
    const abort = () => failed('aborted')
    const send = options.url.startsWith('https:') ? requestHttps : requestHttp
    // No agent: a kept-alive socket would outlive the answer.
    const request = send(options.url, {
      method: options.method,
      agent: false,
      headers: headersOf(options),
    })
    const timer = setTimeout(() => failed('timeout'), options.timeoutMs ?? HUB_TIMEOUT_MS)
    let over = false
    const finish = (reply: HubReply) => {
      if (over) return
      over = true
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', abort)
      resolve(reply)
      request.destroy()
    }
    request.on('error', (error) => failed(isTlsFault(error) ? 'tls' : 'network'))
    request.on('response', (response) => {
      readReply(response, options.bytesMax ?? HUB_BODY_BYTES_MAX, finish)
    })
    if (options.signal?.aborted === true) return abort()
    options.signal?.addEventListener('abort', abort)
    request.end(bodyOf(options))
  })
}

// No answer is ever inflated: one that comes compressed is no JSON, and so its size on the wire bounds it.
function headersOf({ token, body, gzipped, headers }: HubRequest): Record<string, string> {
  const hasBody = body !== undefined || gzipped !== undefined
  return {
    accept: 'application/json',
    'accept-encoding': 'identity',
    authorization: `Bearer ${token}`,
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
    ...(gzipped === undefined ? {} : { 'content-encoding': 'gzip' }),
    ...headers,
  }
}

function bodyOf({ body, gzipped }: HubRequest): string | Buffer | undefined {
  if (gzipped !== undefined) return gzipSync(gzipped)
  return body === undefined ? undefined : JSON.stringify(body)
}

function readReply(
  response: IncomingMessage,
  bytesMax: number,
  finish: (reply: HubReply) => void,
): void {
  const status = response.statusCode ?? 0
  const retryAfterMs = readRetryAfter(response.headers['retry-after'])
  const answer = (body: JsonObject | null) => finish({ kind: 'reply', status, body, retryAfterMs })
  const chunks: Buffer[] = []
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > bytesMax) return answer(null)
    chunks.push(chunk)
  })
  response.on('end', () => answer(parseBody(Buffer.concat(chunks).toString('utf8'))))
  response.on('error', () => finish({ kind: 'failed', cause: 'network' }))
}

function parseBody(text: string): JsonObject | null {
  try {
    return parseJsonObject(text)
  } catch {
    return null
  }
}

/** Seconds or an HTTP date, as milliseconds from now within [0, `RETRY_AFTER_MAX_MS`]; null where unreadable. */
function readRetryAfter(text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS) : null
}

const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_)/

/** True for a certificate or protocol fault: a retry without a change at the hub will not help. */
export function isTlsFault(error: unknown): boolean {
  return TLS_CODE.test(systemCode(error) ?? '')
}
