/** The two protocol servers, with their bounds set. */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { WebSocketServer } from 'ws'
import { systemCode } from '../errors.ts'
import { refuseRaw } from './answer.ts'
import type { Refusal } from './guard.ts'
import * as limits from './limits.ts'

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
  }
  return new WebSocketServer(options)
}
