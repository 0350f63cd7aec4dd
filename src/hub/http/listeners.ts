/** The two protocol servers, with their bounds set. */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { WebSocketServer } from 'ws'
import { LinkError, systemCode } from '../../errors.ts'
import { refuseRaw } from './answer.ts'
import type { Refusal } from '../access/guard.ts'
import * as limits from '../limits.ts'

/** Of a browser, which offers it with `ticket.` and its socket token, because it can set no header. */
export const SUBPROTOCOL = 'kittiwake.hub.1'

/** Bounded in every direction: headers, time, connections. */
export function createHttpServer(requestTimeoutMs: number): Server {
  const server = createServer({
    headersTimeout: Math.min(limits.HEADERS_TIMEOUT_MS, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: limits.HEADERS_TIMEOUT_MS,
    maxHeaderSize: limits.HEADER_BYTES_MAX,
  })
  server.timeout = limits.IDLE_TIMEOUT_MS
  server.maxConnections = limits.CONNECTIONS_MAX
  server.on('clientError', (error, socket) => refuseRaw(socket, protocolFault(error)))
  return server
}

function protocolFault(error: Error): Refusal {
  switch (systemCode(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, code: 'HEADERS_TOO_LARGE', message: 'the headers are too large' }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'TIMEOUT', message: 'the request took too long' }
    default:
      return { status: 400, code: 'BAD_REQUEST', message: 'not an HTTP request' }
  }
}

/** Takes over upgrades that the hub has let in; no compression, whose bombs are cheap to send. */
export function createSocketServer(): WebSocketServer {
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.FRAME_BYTES_MAX,
    maxFragments: limits.FRAGMENTS_MAX,
    closeTimeout: limits.PEER_CLOSE_MS,
    // The socket token stands beside it, and is not said again.
    handleProtocols: (offered: Set<string>) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  }
  return new WebSocketServer(options)
}

/** Why a server does not listen. */
export function listenError(error: Error): LinkError {
  if (systemCode(error) !== 'EADDRINUSE') return addressRefused(error)
  return new LinkError('HUB_PORT_IN_USE', 'another program listens on this port', {
    hint: 'Choose another port, or 0 for a free one.',
    cause: error,
  })
}

export function addressRefused(cause?: unknown): LinkError {
  return new LinkError('HUB_ADDRESS_REFUSED', 'the hub can not listen on this host and port', {
    hint: 'Use a host of this machine and a port from 0 to 65535.',
    cause,
  })
}
