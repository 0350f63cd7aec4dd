/** One connection for the work of a command, and what goes wrong with it as an error that says what to do. */
import { LinkError } from '../../errors.ts'
import { apiCodeOf, connectError, openNats } from './connect.ts'
import type { Nats, NatsOptions } from './connect.ts'

/** @throws LinkError what `openNats` throws, NATS_FAILED, and what the work throws */
export async function withNats<Value>(
  options: NatsOptions,
  work: (nats: Nats) => Promise<Value>,
): Promise<Value> {
  const nats = await openNats(options)
  try {
    return await work(nats)
  } catch (error) {
    throw asNatsError(error)
  } finally {
    await nats.connection.close()
  }
}

/** What the client throws, by its type; all else as it is. */
export function asNatsError(error: unknown): unknown {
  if (!(error instanceof Error) || !OF_CLIENT.has(error.name)) return error
  const code = apiCodeOf(error)
  if (code === null) return connectError(error)
  return new LinkError('NATS_FAILED', `the NATS server does not do what it is asked (${code})`, {
    hint: 'See its log: its disk, or a limit of the account, may be full.',
    cause: error,
    retryable: true,
  })
}

const OF_CLIENT = new Set([
  'AuthorizationError',
  'ClosedConnectionError',
  'ConnectionError',
  'ConsumerNotFoundError',
  'DrainingConnectionError',
  'JetStreamApiError',
  'JetStreamError',
  'JetStreamStatusError',
  'NoRespondersError',
  'PermissionViolationError',
  'ProtocolError',
  'RequestError',
  'StreamNotFoundError',
  'TimeoutError',
  'UserAuthenticationExpiredError',
])
