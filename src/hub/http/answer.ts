/** How the hub answers over HTTP: JSON, closed to caches, frames and scripts. */
import { STATUS_CODES } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Refusal } from '../access/guard.ts'
import { RETRY_AFTER_MIN_S } from '../limits.ts'

const HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const

export type Headers = Readonly<Record<string, string>>

/** Sends a body that is JSON already. */
export function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Headers = {},
): void {
  if (response.headersSent || response.destroyed) return
  const length = String(Buffer.byteLength(body))
  response.writeHead(status, { ...HEADERS, 'Content-Length': length, ...headers }).end(body)
}

/** What a client is to do about a refusal, beside what the body says. */
const REMEDY_BY_STATUS: Readonly<Record<number, Headers>> = {
  401: { 'WWW-Authenticate': 'Bearer' },
  429: { 'Retry-After': String(RETRY_AFTER_MIN_S) },
  503: { 'Retry-After': String(RETRY_AFTER_MIN_S) },
}

export function refuse(response: ServerResponse, refusal: Refusal, headers: Headers = {}): void {
  const remedy = REMEDY_BY_STATUS[refusal.status]
  answer(response, refusal.status, errorBody(refusal), { ...remedy, ...headers })
}

/** Refuses where there is no response object: in an upgrade, or when the request could not be parsed. */
export function refuseRaw(socket: Duplex, refusal: Refusal): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = errorBody(refusal)
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    ...Object.entries({ ...HEADERS, ...REMEDY_BY_STATUS[refusal.status] }).map(
      ([name, value]) => `${name}: ${value}`,
    ),
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.once('finish', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function errorBody({ code, message, body }: Refusal): string {
  return JSON.stringify(body ?? { error: { code, message } })
}
