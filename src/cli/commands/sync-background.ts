import { setTimeout as delay } from 'node:timers/promises'
import { Option } from 'clipanion'
import type { LogLine } from '../../background/log.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result, STREAMED } from '../command.ts'
import { limitOption } from '../options.ts'
import { oneLine, printJson, printText } from '../output.ts'

export const IDLE_MAX_S = 86_400
export const IDLE_OPTION = {
  value: '900',
  words: { description: `Ends after so many seconds without anything to send; default 900` },
} as const
const LINES_MAX = 10_000
const FOLLOW_MS = 200

export class SyncStartCommand extends KittiwakeCommand {
  static override paths = [['sync', 'start']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'Start the background process, which holds the links of all projects with consent',
    details:
      'One of each user and state directory; an older version is replaced. Commands that record something start it by ' +
      'themselves where consent and a login are there and `sync.auto_start` is not false.',
    examples: [['Start', 'kittiwake sync start']],
  })

  idle = Option.String('--idle', IDLE_OPTION.value, IDLE_OPTION.words)

  async run(): Promise<Result> {
    const idleS = limitOption('--idle', this.idle, IDLE_MAX_S)
    const { rememberProject } = await import('../../background/nudge.ts')
    await rememberProject(this.context.cwd)
    const { started, status } = await start(idleS)
    const { pid, version } = status
    return {
      fields: { state: 'running', started, pid, version },
      text: `${started ? 'Started' : 'It runs already'}: version ${version}, process ${pid}.`,
    }
  }
}

export class SyncStopCommand extends KittiwakeCommand {
  static override paths = [['sync', 'stop']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'End the background process and wait for its end',
    details:
      'The next command that records something starts it again, unless `sync: {auto_start: false}` stands in ' +
      '.kittify/config.yaml or KITTIWAKE_AUTO_START is 0.',
    examples: [['Stop', 'kittiwake sync stop']],
  })

  // What withdraws is never held up.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const pid = await end()
    return {
      fields: { state: 'not_running', stopped: pid !== null },
      text: pid === null ? 'It did not run.' : `Stopped: process ${pid}.`,
    }
  }
}

export class SyncRestartCommand extends KittiwakeCommand {
  static override paths = [['sync', 'restart']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'End the background process, wait for its end, and start it',
    examples: [['Restart', 'kittiwake sync restart']],
  })

  idle = Option.String('--idle', IDLE_OPTION.value, IDLE_OPTION.words)

  async run(): Promise<Result> {
    const idleS = limitOption('--idle', this.idle, IDLE_MAX_S)
    const before = await end()
    const { status } = await start(idleS)
    const { pid, version } = status
    return {
      fields: { state: 'running', stopped: before !== null, pid, version },
      text: `Started: version ${version}, process ${pid}.`,
    }
  }
}

export class SyncLogsCommand extends KittiwakeCommand {
  static override paths = [['sync', 'logs']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'Show what the background process has logged',
    details:
      'Codes, counts and shortened project ids; the newest 512 KiB are kept. With `--follow` and `--json`, one document a line.',
    examples: [
      ['The last lines', 'kittiwake sync logs --limit 20'],
      ['As they come', 'kittiwake sync logs --follow'],
    ],
  })

  limit = Option.String('--limit', '100', { description: `From 1 to ${LINES_MAX}; default 100` })
  follow = Option.Boolean('--follow', false, { description: 'Go on until SIGINT' })

  override get safety(): Safety {
    return 'safe'
  }

  protected override get streams(): boolean {
    return this.follow
  }

  async run(): Promise<Result> {
    const count = limitOption('--limit', this.limit, LINES_MAX)
    const { followLog, readLog } = await import('../../background/log.ts')
    const { log } = await places()
    const news = followLog(log)
    const lines = readLog(log, count)
    if (!this.follow)
      return { fields: { lines }, text: lines.map(lineText).join('\n') || 'Nothing was logged.' }
    for (const line of lines) this.#print(line)
    const { signal } = this.context
    while (!signal.aborted) {
      await delay(FOLLOW_MS, undefined, { signal }).catch(() => undefined)
      for (const line of news.next()) this.#print(line)
    }
    return STREAMED
  }

  #print(line: LogLine): void {
    const { stdout } = this.context
    if (this.json) printJson(stdout, { ok: true, ...line })
    else printText(stdout, lineText(line))
  }
}

function lineText({ at, code, ...fields }: LogLine): string {
  const words = Object.entries(fields).map(([name, value]) => `${name}=${value ?? 'none'}`)
  return oneLine([at, code, ...words].join(' '))
}

async function places() {
  const { placesOf } = await import('../../background/places.ts')
  const { stateDirectory } = await import('../../project/state-directory.ts')
  return placesOf(stateDirectory(process.env))
}

async function start(idleS: number) {
  const { startBackground } = await import('../../background/start.ts')
  const { packageVersion } = await import('../../project/program-files.ts')
  const { stateDirectory } = await import('../../project/state-directory.ts')
  const version = packageVersion()
  return startBackground({
    state: stateDirectory(process.env),
    places: await places(),
    version,
    idleS,
  })
}

async function end(): Promise<number | null> {
  const { endBackground } = await import('../../background/end.ts')
  return endBackground(await places())
}
