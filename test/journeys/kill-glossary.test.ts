/** Kill -9 of `glossary resolve`, the whole program: the row, the file's entry and the queued event are there once, or not at all. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Runtime } from '#dist/index.js'
import { RuntimeWorld } from '../support/runtime-world.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')
const PRELOAD = new URL('../../scripts/kill-at-step.mjs', import.meta.url).href
const LOG = 'events\\.jsonl$'
const SWEEP_TIMEOUT_MS = 120_000

/** Where it dies, and whether the row is durable by then. The writer's own test tries every change of the disk. */
const KILLS: readonly (readonly [string, boolean])[] = [
  [`^write half of .*${LOG}`, false],
  [`^sync .*${LOG}`, true],
  ['^unlink .*unqueued', true],
]

describe('kill -9 of `glossary resolve`', () => {
  it(
    'loses nothing that is in the log, doubles nothing, and the next command heals (L9)',
    async () => {
      const world = new RuntimeWorld()
      const uuid = await world.init()
      const mission = await world.createMission('harbour')
      let runtime = await world.open()
      for (const [at, [on, isDurable]] of KILLS.entries()) {
        const term = `term ${at}`
        const asked = await runtime.glossary.request({
          mission,
          term,
          question: 'Which?',
          options: ['this'],
        })
        await runtime.stop()
        const args = ['glossary', 'resolve', asked.conflict_id, '--mission', mission]
        expect(await dies(world, [...args, '--select', '1'], on), on).toBe('SIGKILL')
        runtime = await world.open()
        await runtime.glossary.observe({ mission, term: 'another' })
        expectOnce(world, mission, uuid, term, isDurable ? 1 : 0)
        const again = await settle(runtime, mission, asked.conflict_id)
        expect(again, on).toMatchObject({ recorded: !isDurable })
        expectOnce(world, mission, uuid, term, 1)
      }
      const listed = await world.run(['glossary', 'list', '--json'])
      const { senses, clarifications } = JSON.parse(listed.stdout) as Record<string, object[]>
      expect(senses).toHaveLength(KILLS.length)
      expect(clarifications).toHaveLength(KILLS.length)
      const verified = await world.run(['glossary', 'verify', '--json'])
      expect(verified).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, sound: true, drift: [] })
    },
    SWEEP_TIMEOUT_MS,
  )
})

function settle(runtime: Runtime, mission: string, conflict_id: string) {
  return runtime.glossary.resolve({ mission, conflict_id, select: 1 })
}

function expectOnce(
  world: RuntimeWorld,
  mission: string,
  uuid: string,
  term: string,
  count: number,
): void {
  const log = readFileSync(
    join(world.root, '.kittify/events/glossary', `${mission}.events.jsonl`),
    'utf8',
  )
  const rows = log
    .split('\n')
    .filter((line) => line.includes(`"term_surface": "${term}"`))
    .map((line) => JSON.parse(line) as { event_id: string })
  expect(rows, term).toHaveLength(count)
  const queued = new Set(world.events(uuid).map(({ event_id }) => event_id))
  expect(rows.filter(({ event_id }) => queued.has(event_id))).toHaveLength(count)
  const asked = log.split('GlossaryClarificationRequested').length - 1
  const resolved = log.split('GlossaryClarificationResolved').length - 1
  expect(queued.size).toBe(asked + resolved)
  const seed = join(world.root, '.kittify/glossaries/team_domain.yaml')
  const text = resolved === 0 ? '' : readFileSync(seed, 'utf8')
  expect(text.split(`surface: ${term}\n`).length - 1).toBe(count)
}

/** The signal that ended it; null where it came to its end. */
function dies(world: RuntimeWorld, args: readonly string[], on: string): Promise<unknown> {
  const env = {
    ...process.env,
    KITTIWAKE_HOME: world.state,
    GIT_CONFIG_NOSYSTEM: '1',
    NODE_OPTIONS: `--import=${PRELOAD}`,
    KILL_STEP_THREAD: 'git.worker',
    KILL_STEP_AT: '1',
    KILL_STEP_ON: on,
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: world.root, env }, (error) =>
      resolve(error?.signal ?? null),
    )
  })
}
