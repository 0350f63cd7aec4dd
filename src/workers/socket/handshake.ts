/** Opens a WebSocket with a ticket: one deadline for all of it, no redirect, no compression, no query token. */
import { WebSocket } from 'ws'
import type { ClientOptions } from 'ws'
import type { Socket } from 'node:net'
import { isTlsFault } from '../../project/login/hub-request.ts'
import type { Ticket } from './authenticate.ts'
import type { LinkLimits, SetTimer } from './limits.ts'
import { refuseNetwork, refuseStatus } from './refusal.ts'
import type { Refusal } from './refusal.ts'

export type OpenedSocket = {
  /** Paused: nothing is read until its owner resumes it. */
  readonly webSocket: WebSocket
  readonly socket: Socket
}

export type Handshake = OpenedSocket | { readonly refusal: Refusal }

export const SYNC_PROTOCOL = '2.0'

/** Never rejects. An aborted signal ends the attempt at once. */
export function openSocket(
  ticket: Ticket,
  limits: LinkLimits,
  setTimer: SetTimer,
  signal: AbortSignal,
): Promise<Handshake> {
  return new Promise((resolve) => {
    const webSocket = new WebSocket(ticket.url, optionsOf(ticket, limits))
    let socket: Socket | null = null
    let over = false
    const finish = (handshake: Handshake) => {
      if (over) return
      over = true
      cancelTimer()
      signal.removeEventListener('abort', abort)
      if ('refusal' in handshake) webSocket.terminate()
      resolve(handshake)
    }
    const refuse = (refusal: Refusal) => finish({ refusal })
    const abort = () => refuse(refuseNetwork('aborted'))
    // The library's own handshake timeout restarts with every byte, which a slow drip never lets end.
    const cancelTimer = setTimer(() => refuse(refuseNetwork('timeout')), limits.openMs)
    // Stays for the socket's whole life: an error without a listener would end the thread.
    webSocket.on('error', (error) => refuse(refuseNetwork(isTlsFault(error) ? 'tls' : 'network')))
    webSocket.on('close', () => refuse(refuseNetwork('network')))
    webSocket.on('unexpected-response', (_request, response) => {
      refuse(refuseStatus(response.statusCode ?? 0, null))
    })
    webSocket.on('upgrade', (response) => {
      socket = response.socket
    })
    webSocket.on('open', () => {
      webSocket.pause()
      if (socket === null) refuse(refuseNetwork('network'))
      else finish({ webSocket, socket })
    })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
  })
}

type Options = ClientOptions & { readonly closeTimeout: number; readonly autoPong: boolean }

function optionsOf(ticket: Ticket, limits: LinkLimits): Options {
  return {
    headers: {
      authorization: `Bearer ${ticket.token}`,
      'x-spec-kitty-sync-protocol': SYNC_PROTOCOL,
    },
    // Off on purpose: a small compressed frame can hold a large one.
    perMessageDeflate: false,
    followRedirects: false,
    autoPong: false,
    maxPayload: limits.payloadBytesMax,
    // Whoever began to close: then the library ends the socket by force.
    closeTimeout: limits.closeMs,
  }
}
