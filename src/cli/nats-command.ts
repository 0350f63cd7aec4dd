import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { UsageError } from '../errors.ts'
import type { NatsOptions } from '../hub/nats/connect.ts'
import { KittiwakeCommand } from './command.ts'

const SERVER = /^(?:nats|tls):\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/
const REPLICAS: Readonly<Record<string, number>> = { '1': 1, '3': 3, '5': 5 }

/** A command that may speak to the NATS servers that hubs share. No secret stands in its arguments. */
export abstract class NatsCommand extends KittiwakeCommand {
  nats = Option.String('--nats', {
    description: 'NATS servers, as nats://host:4222, with commas between; or KITTIWAKE_NATS',
  })
  natsCredentials = Option.String('--nats-credentials', {
    description:
      'File with NATS credentials, the seed of an nkey, user:password or a token; or KITTIWAKE_NATS_CREDENTIALS',
  })
  natsCa = Option.String('--nats-ca', { description: 'PEM file of who signed the servers' })
  natsCert = Option.String('--nats-cert', { description: "PEM file of the hub's own certificate" })
  natsKey = Option.String('--nats-key', { description: 'PEM file of its key' })
  natsReplicas = Option.String('--nats-replicas', '1', {
    description: 'How many servers of a cluster keep the stream, at least: 1, 3 or 5',
  })

  /** @throws UsageError NATS_NEEDED, NATS_URL, NATS_REPLICAS */
  protected natsOptions(): NatsOptions {
    const { KITTIWAKE_NATS, KITTIWAKE_NATS_CREDENTIALS } = process.env
    const servers = this.nats ?? KITTIWAKE_NATS
    if (servers === undefined) {
      throw new UsageError('NATS_NEEDED', 'no NATS server is named', {
        hint: 'Say --nats nats://host:4222, or set KITTIWAKE_NATS.',
      })
    }
    if (!servers.split(',').every((server) => SERVER.test(server))) {
      throw new UsageError('NATS_URL', 'a NATS server is named as nats://host:4222 or tls://host', {
        hint: 'Put a user and a password into a file, and name that with --nats-credentials.',
      })
    }
    const replicas = REPLICAS[this.natsReplicas]
    if (replicas === undefined) {
      throw new UsageError('NATS_REPLICAS', 'a stream has 1, 3 or 5 replicas', {
        hint: 'Take 3 in a cluster of three servers, else leave it out.',
      })
    }
    const files = {
      credentialsFile: this.natsCredentials ?? KITTIWAKE_NATS_CREDENTIALS,
      caFile: this.natsCa,
      certificateFile: this.natsCert,
      keyFile: this.natsKey,
    }
    const named = Object.entries(files).flatMap(([name, path]) =>
      path === undefined ? [] : [[name, resolve(this.context.cwd, path)] as const],
    )
    return { servers, replicas, ...Object.fromEntries(named) }
  }
}
