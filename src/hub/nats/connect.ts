/** Opens what a hub needs of a NATS server: a connection, the stream, the bucket of short-lived things. */
import { readFileSync } from 'node:fs'
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { LinkError, systemCode } from '../../errors.ts'
import { readNamedSecret } from '../../project/files/private-file.ts'
import type { PrivateReading } from '../../project/files/private-file.ts'
import {
  CODE_TTL_MS,
  DEAD_LETTERS_KEPT_MS,
  DEAD_LETTERS_MAX,
  NATS_ANSWER_MS,
  NATS_TIMEOUT_MS,
} from '../limits.ts'
import { readLogin } from './credentials.ts'
import { SUBJECTS } from '../data/messages.ts'

export type NatsOptions = {
  /** `nats://host:port` or `tls://host:port`; several with commas between. Never with a secret. */
  readonly servers: string
  /** A file that others may not read: NATS credentials (a JWT and a seed), or one line: the seed of an nkey, `user:password`, or a token. */
  readonly credentialsFile?: string
  /** PEM files for TLS. */
  readonly caFile?: string
  readonly certificateFile?: string
  readonly keyFile?: string
  /** Of the stream and the bucket, at least: 1, or 3 and 5 in a cluster. Default 1. */
  readonly replicas?: number
}

export type Nats = {
  readonly connection: NatsConnection
  readonly jetstream: JetStreamClient
  readonly manager: JetStreamManager
  readonly bucket: KV
}

export const STREAM = 'KITTIWAKE'
export const DEAD_STREAM = 'KITTIWAKE_DEAD'
export const BASE_STREAM = 'KITTIWAKE_BASE'
const BUCKET = 'kittiwake'
/** Credentials, or a key. */
const SECRET_BYTES_MAX = 64 * 1024
const DUPLICATE_WINDOW_NS = 600_000_000_000

/** The packages of the client, which whoever shares a hub's log installs beside this one. */
async function loadClient() {
  try {
    const [transport, jetstream, kv] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
    ])
    return { ...transport, ...jetstream, Kvm: kv.Kvm }
  } catch (error) {
    throw new LinkError('NATS_CLIENT_MISSING', 'the client of NATS is not installed', {
      hint: 'Install it beside kittiwake: npm install @nats-io/transport-node @nats-io/jetstream @nats-io/kv',
      cause: error,
    })
  }
}

/**
 * Once: a connection that is lost is not made again by itself, since nothing must go to a server before it was looked at.
 *
 * @throws LinkError NATS_CLIENT_MISSING, NATS_UNREACHABLE, NATS_REFUSED, NATS_NO_JETSTREAM, NATS_REPLICAS, NATS_FILE_UNREADABLE,
 *   NATS_FILE_TOO_OPEN, NATS_FILE_INVALID
 */
export async function openNats(options: NatsOptions): Promise<Nats> {
  const client = await loadClient()
  const { credentialsFile: file } = options
  const login = file === undefined ? {} : readLogin(readSecret(file), client)
  const tls = tlsOf(options)
  let connection: NatsConnection
  try {
    connection = await client.connect({
      servers: options.servers.split(','),
      name: 'kittiwake-hub',
      reconnect: false,
      timeout: NATS_TIMEOUT_MS,
      pingInterval: NATS_TIMEOUT_MS,
      ...tls,
      ...login,
    })
  } catch (error) {
    throw connectError(error)
  }
  try {
    const opening = await client.jetstreamManager(connection, { timeout: NATS_ANSWER_MS })
    const jetstream = client.jetstream(connection, { timeout: NATS_TIMEOUT_MS })
    const { replicas = 1 } = options
    await ensureStream(opening, logConfig(client, replicas))
    await ensureStream(opening, deadConfig(client, replicas))
    await ensureStream(opening, baseConfig(client, replicas))
    const bucket = await new client.Kvm(jetstream).create(BUCKET, {
      ttl: CODE_TTL_MS,
      history: 1,
      replicas,
    })
    await raiseReplicas(opening, `KV_${BUCKET}`, replicas)
    const manager = await jetstream.jetstreamManager(false)
    return { connection, jetstream, manager, bucket }
  } catch (error) {
    await connection.close()
    throw jetstreamError(error)
  }
}

type Client = Awaited<ReturnType<typeof loadClient>>

type Config = Parameters<JetStreamManager['streams']['add']>[0]

async function ensureStream(manager: JetStreamManager, config: Config): Promise<void> {
  try {
    return await raiseReplicas(manager, config.name, config.num_replicas ?? 1)
  } catch (error) {
    if (apiCodeOf(error) !== STREAM_NOT_FOUND) throw error
  }
  await manager.streams.add(config)
}

// What is full refuses new messages, rather than lose old ones.
function logConfig(client: Client, num_replicas: number): Config {
  return {
    name: STREAM,
    subjects: [...SUBJECTS],
    storage: client.StorageType.File,
    retention: client.RetentionPolicy.Limits,
    discard: client.DiscardPolicy.New,
    duplicate_window: DUPLICATE_WINDOW_NS,
    num_replicas,
  }
}

// One base, and for a moment the next one.
function baseConfig(client: Client, num_replicas: number): Config {
  return {
    name: BASE_STREAM,
    subjects: ['base.>'],
    max_msgs_per_subject: 1,
    storage: client.StorageType.File,
    retention: client.RetentionPolicy.Limits,
    discard: client.DiscardPolicy.New,
    num_replicas,
  }
}

// What is old gives way, and of each event there is the last word alone.
function deadConfig(client: Client, num_replicas: number): Config {
  return {
    name: DEAD_STREAM,
    subjects: ['dead.>'],
    max_msgs: DEAD_LETTERS_MAX,
    max_msgs_per_subject: 1,
    max_age: DEAD_LETTERS_KEPT_MS * 1_000_000,
    storage: client.StorageType.File,
    retention: client.RetentionPolicy.Limits,
    discard: client.DiscardPolicy.Old,
    num_replicas,
  }
}

// Servers may have become more since it was made. A hub that was told nothing of them takes nothing away.
async function raiseReplicas(
  manager: JetStreamManager,
  stream: string,
  num_replicas: number,
): Promise<void> {
  const { config, cluster } = await manager.streams.info(stream)
  if (config.num_replicas >= num_replicas) return
  // A server that is alone would say yes.
  if (cluster === undefined) throw tooFewServers()
  await manager.streams.update(stream, { num_replicas })
}

function tlsOf({ servers, caFile, certificateFile, keyFile }: NatsOptions): object {
  const files = { ca: caFile, cert: certificateFile, key: keyFile }
  const given = Object.entries(files).flatMap(([name, path]) => {
    if (path === undefined) return []
    return [[name, name === 'key' ? readSecret(path) : readText(path)] as const]
  })
  if (given.length === 0 && !servers.includes('tls://')) return {}
  return { tls: Object.fromEntries(given) }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}

function readSecret(path: string): string {
  let reading: PrivateReading
  try {
    reading = readNamedSecret(path, SECRET_BYTES_MAX)
  } catch (error) {
    throw unreadable(path, error)
  }
  if (reading.state === 'read') return reading.text
  if (reading.state === 'not_a_small_file') throw unreadable(path)
  throw new LinkError('NATS_FILE_TOO_OPEN', `others may read a secret for NATS: ${path}`, {
    hint: 'Run `chmod 600` on it, and give the hub another login: others may have read this one.',
  })
}

function unreadable(path: string, cause?: unknown): LinkError {
  return new LinkError('NATS_FILE_UNREADABLE', `a file for NATS can't be read: ${path}`, {
    hint: 'Name a small file that this user may read.',
    cause,
  })
}

const STREAM_NOT_FOUND = 10059
export const WRONG_LAST_SEQUENCE = 10071
const NOT_CLUSTERED = 10074
const NO_PEERS = 10005
const REFUSALS = new Set([
  'AuthorizationError',
  'UserAuthenticationExpiredError',
  // A user that is let in, and not to what hubs need.
  'PermissionViolationError',
])
const NOT_ENABLED = new Set([10039, 503])

/** The code of an answer of JetStream that is an error. */
export function apiCodeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'number' ? error.code : null
}

/** Why no server does what a hub needs. */
export function connectError(error: unknown): LinkError {
  const { name, cause } = error instanceof Error ? error : { name: '', cause: null }
  if (REFUSALS.has(name) || (cause instanceof Error && REFUSALS.has(cause.name))) {
    return new LinkError('NATS_REFUSED', 'the NATS server refused the login', {
      hint: 'Check the file of --nats-credentials and the permissions of its user.',
      cause: error,
    })
  }
  return new LinkError('NATS_UNREACHABLE', 'no NATS server answers', {
    hint: `Check the address and whether nats-server runs with JetStream (${systemCode(error) ?? name}).`,
    cause: error,
    retryable: true,
  })
}

function jetstreamError(error: unknown): LinkError {
  if (error instanceof LinkError) return error
  const code = apiCodeOf(error)
  if (code === NOT_CLUSTERED || code === NO_PEERS) return tooFewServers(error)
  const isOff =
    (error instanceof Error && error.name === 'JetStreamNotEnabled') || NOT_ENABLED.has(code ?? 0)
  if (!isOff) return connectError(error)
  return new LinkError('NATS_NO_JETSTREAM', 'the NATS server has no JetStream for this login', {
    hint: 'Start nats-server with -js and a store folder, or enable JetStream for the account.',
    cause: error,
  })
}

function tooFewServers(cause?: unknown): LinkError {
  return new LinkError('NATS_REPLICAS', 'the NATS servers are too few for so many replicas', {
    hint: 'Say with --nats-replicas how many servers of the cluster are to keep the stream.',
    cause,
    // One of a cluster may be away.
    retryable: apiCodeOf(cause) === NO_PEERS,
  })
}
