/** What one message may hold, as its server says. */
import { LinkError } from '../../errors.ts'
import type { Nats } from './connect.ts'

/** More than the headers of a message, and what a row has about it in a base and not in a message. */
const AROUND_BYTES = 1_024

/** Whether the server takes a message of these bytes; else the client would throw, each time that it is asked. */
export function hasRoom({ connection }: Pick<Nats, 'connection'>, body: Uint8Array): boolean {
  const most = connection.info?.max_payload ?? Infinity
  return body.length + AROUND_BYTES <= most
}

export function noRoom(): LinkError {
  return new LinkError('NATS_MESSAGE_TOO_LARGE', 'a row is longer than the NATS server takes', {
    hint: 'Raise max_payload in the settings of nats-server, to 4MB or what its log asks for.',
  })
}
