/**
 * Who may speak to the hub at all, before any token is looked at: no web page but the hub's own does, neither directly
 * (Origin, Sec-Fetch-Site) nor under a name that was rebound to this machine (Host).
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { URL_LENGTH_MAX } from '../limits.ts'

/** Why a request is answered without being looked at further. */
export type Refusal = {
  readonly status: number
  readonly code: string
  readonly message: string
  /** What this route's clients expect in the place of code and message. */
  readonly body?: object
}

const LOOPBACK_NAMES: readonly string[] = ['127.0.0.1', 'localhost', '[::1]']
const HOST = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

/** Whether only programs of this machine can reach `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Whether a program of this machine asks, and not a proxy for somebody elsewhere. */
export function isFromThisMachine(request: IncomingMessage, publicUrl: URL | null): boolean {
  const { socket, headers } = request
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  const isProxied = headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined
  return isLoopback(address) && !isProxied && !namesPublic(headers.host, publicUrl)
}

/** The host as it stands in a URL. */
export function hostInUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

/** Where the hub is reached. */
export type Reach = {
  /** What it is bound to. */
  readonly host: string
  /** The port that it got. */
  readonly port: number
  /** What a proxy makes of it for others. */
  readonly publicUrl: URL | null
}

export function guardRequest(request: IncomingMessage, reach: Reach): Refusal | null {
  const { url = '', headers } = request
  if (!url.startsWith('/') || url.length > URL_LENGTH_MAX) {
    return { status: 400, code: 'BAD_REQUEST', message: 'a path on this hub is expected' }
  }
  if (headers.host === undefined || !HOST.test(headers.host)) {
    return { status: 400, code: 'BAD_REQUEST', message: 'a Host header is expected' }
  }
  const isNamed =
    !isLoopback(reach.host) ||
    namesLoopback(headers.host.toLowerCase(), reach) ||
    namesPublic(headers.host, reach.publicUrl)
  if (!isNamed) {
    return { status: 403, code: 'HOST_REFUSED', message: 'this hub does not answer to that name' }
  }
  if (isFromOtherPage(request, reach)) {
    return {
      status: 403,
      code: 'ORIGIN_REFUSED',
      message: 'this hub does not answer to other web pages',
    }
  }
  return null
}

/** A client leaves the port of the scheme out, and some proxies put it in. */
function namesPublic(name: string | undefined, publicUrl: URL | null): boolean {
  if (name === undefined || publicUrl === null) return false
  const { host, hostname, port, protocol } = publicUrl
  const own = port === '' ? `${hostname}:${protocol === 'https:' ? 443 : 80}` : host
  return [host, own].includes(name.toLowerCase())
}

function namesLoopback(name: string, { host, port }: Reach): boolean {
  const names = [...LOOPBACK_NAMES, hostInUrl(host)]
  // A client leaves the default port out.
  return names.some((own) => name === `${own}:${port}` || (port === 80 && name === own))
}

function isFromOtherPage({ method, headers }: IncomingMessage, { publicUrl }: Reach): boolean {
  const { origin, host = '' } = headers
  const site = headers['sec-fetch-site']
  // Somebody's link may lead here: what it shows is a page that knows nothing yet.
  const isVisit = headers['sec-fetch-mode'] === 'navigate' && method === 'GET'
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isVisit) return true
  const isRead = method === 'GET' && headers.upgrade === undefined
  if (origin === undefined || isRead) return false
  return origin !== `http://${host.toLowerCase()}` && origin !== publicUrl?.origin
}
