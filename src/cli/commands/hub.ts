import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { UsageError } from '../../errors.ts'
import type { Hub } from '../../hub/server.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { NatsOptions } from '../../hub/nats/connect.ts'
import { KittiwakeCommand, type Result, STREAMED } from '../command.ts'
import { NatsCommand } from '../nats-command.ts'
import { limitOption, portOption } from '../options.ts'
import { printJson, printText } from '../output.ts'

const DAY_MS = 86_400_000
const KEEP_DAYS_MAX = 36_500
/** Whom the token of a link is listed under. */
const DASHBOARD_USER = 'dashboard'

export class HubServeCommand extends NatsCommand {
  static override paths = [['hub', 'serve']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'Serve a hub: it stores, acknowledges and fans out',
    details:
      'Binds to loopback unless `--host` says otherwise. It speaks no TLS itself: where a proxy does that for it, `--public-url` says by which URL others come; the proxy has to keep the Host header, or to send X-Forwarded-For. With `--backend nats` any number of hubs share what they hold, each with a data folder of its own; the client of NATS has to be installed beside kittiwake. Ends on SIGINT or SIGTERM.',
    examples: [
      ['On a fixed port', 'kittiwake hub serve --port 4180'],
      ['With a link to the dashboard', 'kittiwake hub serve --port 4180 --open --team core'],
      ['One of several', 'kittiwake hub serve --backend nats --nats nats://127.0.0.1:4222'],
      ['Behind a proxy', 'kittiwake hub serve --port 4180 --public-url https://hub.example.org'],
      ['For a quarter of a year', 'kittiwake hub serve --port 4180 --keep-days 90'],
    ],
  })

  host = Option.String('--host', '127.0.0.1', { description: 'Address to bind; default loopback' })
  port = Option.String('--port', '0', { description: 'Port; 0 takes a free one' })
  publicUrl = Option.String('--public-url', {
    description: 'By which URL others reach it through a proxy that speaks TLS',
  })
  data = Option.String('--data', { description: 'Data folder; default in the state directory' })
  backend = Option.String('--backend', 'sqlite', {
    description: 'Where it keeps what it holds: `sqlite`, alone, or `nats`, with other hubs',
  })
  open = Option.Boolean('--open', false, {
    description: 'Print a link to the dashboard, which lets one browser in, once',
  })
  team = Option.String('--team', { description: 'Whose dashboard; needed where there are several' })
  keepDays = Option.String('--keep-days', {
    description: 'Empty events and commits that came before so many days; default never',
  })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  protected override get streams(): boolean {
    return true
  }

  async run(): Promise<Result> {
    const port = portOption(this.port)
    const nats = this.sharedBy()
    const keepMs = keepOption(this.keepDays)
    const { serveHub } = await import('../../hub/server.ts')
    const dataDir = await dataDirectory(this.data, this.context.cwd)
    const { host, publicUrl } = this
    const team = this.open ? (this.team ?? (await onlyTeam(dataDir))) : null
    const hub = await serveHub({
      dataDir,
      host,
      port,
      ...(publicUrl === undefined ? {} : { publicUrl }),
      ...(nats === null ? {} : { nats }),
      ...(keepMs === null ? {} : { keepMs }),
    })
    const { stdout, signal } = this.context
    const dashboard = team === null ? null : await invited(hub, team)
    const { url, port: got } = hub
    const told = dashboard === null ? {} : { dashboard }
    if (this.json) printJson(stdout, { ok: true, url, port: got, ...told })
    else printText(stdout, [`Hub at ${url}`, ...linkLines(dashboard)].join('\n'))
    await untilAborted(signal)
    await hub.stop()
    return STREAMED
  }

  private sharedBy(): NatsOptions | null {
    if (this.backend === 'nats') return this.natsOptions()
    if (this.backend === 'sqlite' && this.nats === undefined) return null
    throw new UsageError(
      'HUB_BACKEND',
      'a hub is served with `--backend sqlite` or `--backend nats`',
      {
        hint: 'With `--nats` say `--backend nats`.',
      },
    )
  }
}

/** Milliseconds; null for all that there is. @throws UsageError LIMIT_INVALID */
export function keepOption(days: string | undefined): number | null {
  return days === undefined ? null : limitOption('--keep-days', days, KEEP_DAYS_MAX) * DAY_MS
}

/** The data folder of a hub: the one that was named, or the one in the state directory. */
export async function dataDirectory(option: string | undefined, cwd: string): Promise<string> {
  if (option !== undefined) return resolve(cwd, option)
  const { hubDataDirectory, stateDirectory } = await import('../../project/state-directory.ts')
  return hubDataDirectory(stateDirectory(process.env))
}

/** A team that can't be is no reason to leave a hub behind that serves. */
async function invited(hub: Hub, team: string): Promise<string> {
  try {
    return await hub.invite({ team, user: DASHBOARD_USER })
  } catch (error) {
    await hub.stop()
    throw error
  }
}

function linkLines(link: string | null): readonly string[] {
  if (link === null) return []
  return [`Dashboard: ${link}`, 'The link lets one browser in, once, within ten minutes.']
}

async function onlyTeam(dataDir: string): Promise<string> {
  const { teamsOf } = await import('../../hub/access/tokens.ts')
  const [team, ...others] = teamsOf(dataDir)
  if (team !== undefined && others.length === 0) return team
  throw new UsageError(
    'HUB_TEAM_NEEDED',
    `the hub has ${others.length === 0 ? 'no team' : 'several teams'}`,
    {
      hint: 'Say with --team whose dashboard the link is to show.',
    },
  )
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  )
}
