import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { systemCode, UsageError } from '../../errors.ts'
import type { IssuedToken, TokenRow } from '../../hub/access/tokens.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { durationOption } from '../options.ts'
import { columns } from '../output.ts'
import { dataDirectory } from './hub.ts'

abstract class TokenCommand extends KittiwakeCommand {
  data = Option.String('--data', { description: 'Data folder; default in the state directory' })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  protected dataDir(): Promise<string> {
    return dataDirectory(this.data, this.context.cwd)
  }
}

/** A command that shows a secret, once: on standard output, or in a file that only its owner can read. */
abstract class SecretCommand extends TokenCommand {
  out = Option.String('--out', { description: 'A new file for the token, instead of the output' })

  /** The file is made first, so that no secret is made that can't be kept. */
  protected async show(issue: () => IssuedToken): Promise<Result> {
    if (this.out === undefined) {
      const { token, ...about } = issue()
      return { fields: { token, ...timesOf(about) }, text: token }
    }
    const path = resolve(this.context.cwd, this.out)
    const file = createOwn(path)
    try {
      const { token, ...about } = issue()
      writeSync(file, `${token}\n`)
      fsyncSync(file)
      const text = `The token ${about.token_id} is in the file.`
      return { fields: { ...timesOf(about), file: path }, text }
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    } finally {
      closeSync(file)
    }
  }
}

export class HubTokenCreateCommand extends SecretCommand {
  static override paths = [['hub', 'token', 'create']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'Create a token of a team, before or while the hub serves',
    details: 'The hub keeps a hash only: the token is shown once.',
    examples: [
      ['For a team', 'kittiwake hub token create --team core --user ada > token'],
      ['For a month', 'kittiwake hub token create --team core --user ada --ttl 30d --out token'],
    ],
  })

  team = Option.String('--team', { required: true, description: 'Team that the token belongs to' })
  user = Option.String('--user', { required: true, description: 'Who will use it' })
  ttl = Option.String('--ttl', { description: 'How long it is good for, as 12h or 30d' })

  async run(): Promise<Result> {
    const { issueToken } = await import('../../hub/access/tokens.ts')
    const { team, user, ttl } = this
    const ttlMs = ttl === undefined ? {} : { ttlMs: durationOption('--ttl', ttl, 1_000) }
    const dataDir = await this.dataDir()
    return this.show(() => issueToken({ dataDir, team, user, ...ttlMs }))
  }
}

export class HubTokenListCommand extends TokenCommand {
  static override paths = [['hub', 'token', 'list']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'List the tokens: whose they are and until when, never the secrets',
    examples: [['All tokens', 'kittiwake hub token list']],
  })

  async run(): Promise<Result> {
    const { listTokens } = await import('../../hub/access/tokens.ts')
    const tokens = listTokens(await this.dataDir())
    const rows = tokens.map(({ token_id, team, user, state, ends_at }) => [
      token_id,
      team,
      user,
      state,
      ends_at === null ? '' : `until ${timeOf(ends_at)}`,
    ])
    return {
      fields: { tokens: tokens.map(timesOf) },
      text: rows.length === 0 ? 'No tokens.' : columns(rows),
    }
  }
}

export class HubTokenRotateCommand extends SecretCommand {
  static override paths = [['hub', 'token', 'rotate']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'Give a token a new secret; the old one ends at once, or after a grace',
    details: 'The new secret is good for as long as the token was made for.',
    examples: [
      ['At once', 'kittiwake hub token rotate tok_0123456789abcdef > token'],
      ['In a day', 'kittiwake hub token rotate tok_0123456789abcdef --grace 1d --out token'],
    ],
  })

  id = Option.String({ required: true, name: 'ID' })
  grace = Option.String('--grace', '0s', { description: 'How long the old secret stays good' })

  async run(): Promise<Result> {
    const { rotateToken } = await import('../../hub/access/tokens.ts')
    const graceMs = durationOption('--grace', this.grace, 0)
    const dataDir = await this.dataDir()
    return this.show(() => rotateToken(dataDir, this.id, graceMs))
  }
}

export class HubTokenRevokeCommand extends TokenCommand {
  static override paths = [['hub', 'token', 'revoke']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'End a token for good; a hub that serves closes its connections',
    examples: [['One token', 'kittiwake hub token revoke tok_0123456789abcdef']],
  })

  id = Option.String({ required: true, name: 'ID' })

  async run(): Promise<Result> {
    const { revokeToken } = await import('../../hub/access/tokens.ts')
    const token = revokeToken(await this.dataDir(), this.id)
    return { fields: timesOf(token), text: `The token ${token.token_id} is revoked.` }
  }
}

type Times = Partial<Pick<TokenRow, 'created_at' | 'ends_at' | 'old_secret_ends_at'>>

/** Times as others read them. */
function timesOf<Token extends Times>(token: Token): Record<string, unknown> {
  const { created_at, ends_at, old_secret_ends_at } = token
  return {
    ...token,
    ...(created_at === undefined ? {} : { created_at: timeOf(created_at) }),
    ...(typeof ends_at === 'number' ? { ends_at: timeOf(ends_at) } : {}),
    ...(typeof old_secret_ends_at === 'number'
      ? { old_secret_ends_at: timeOf(old_secret_ends_at) }
      : {}),
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

function createOwn(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    const isThere = systemCode(error) === 'EEXIST'
    throw new UsageError('OUT_UNWRITABLE', "the file for the token can't be made", {
      hint: isThere ? 'It is there already: give it another name.' : 'Check its folder.',
      cause: error,
    })
  }
}
