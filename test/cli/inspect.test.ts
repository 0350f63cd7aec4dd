/** `kittiwake inspect` in this process: traces, words, and a runtime of its own. */
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FEED_MESSAGE, type FeedMessage } from '#dist/inspect/protocol.js'
import { runCli } from '../support/cli-in-process.ts'
import { RuntimeWorld } from '../support/runtime-world.ts'

const SAMPLE = join(import.meta.dirname, '../fixtures/inspect/sample.ndjson')
const ROOT = join(import.meta.dirname, '../..')

let home: string | undefined
beforeEach(() => {
  home = process.env['KITTIWAKE_HOME']
})
afterEach(() => {
  if (home === undefined) delete process.env['KITTIWAKE_HOME']
  else process.env['KITTIWAKE_HOME'] = home
})

describe('kittiwake inspect --trace', () => {
  it('prints lines, messages, or the messages of Stately', async () => {
    const text = await runCli(ROOT, ['inspect', '--trace', SAMPLE, '--text'])
    expect(text).toMatchObject({ code: 0, err: '' })
    expect(text.out).toMatch(/connection +socket\.opened: reaching\.connecting ► connected/)
    for (const args of [
      ['--format', 'ndjson'],
      ['--text', '--json'],
    ]) {
      const { code, out } = await runCli(ROOT, ['inspect', '--trace', SAMPLE, ...args])
      expect(code).toBe(0)
      const messages = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as FeedMessage)
      expect(messages.length).toBeGreaterThan(1_000)
      expect(FEED_MESSAGE.parse(messages[0])).toMatchObject({ seq: 1 })
    }
    const stately = await runCli(ROOT, ['inspect', '--trace', SAMPLE, '--format', 'stately'])
    expect(JSON.parse(stately.out.split('\n')[0] ?? '')).toMatchObject({
      type: '@xstate.actor',
      name: 'supervisor',
      definition: expect.any(String),
    })
  })

  it('serves the page until it is interrupted', async () => {
    const interruption = new AbortController()
    let out = ''
    const serving = runCli(
      ROOT,
      ['inspect', '--trace', SAMPLE, '--json'],
      interruption.signal,
      (text) => (out += text),
    )
    await vi.waitFor(() => expect(out).toContain('\n'), 10_000)
    const { ok, url } = JSON.parse(out) as { ok: boolean; url: string }
    expect(ok).toBe(true)
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(303)
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(401)
    interruption.abort()
    expect((await serving).code).toBe(0)
    await expect(fetch(url)).rejects.toThrow()
  })
})

describe('kittiwake inspect', () => {
  it('shows a runtime of its own where no background process is, and says why there is no link', async () => {
    const world = await RuntimeWorld.withProject()
    process.env['KITTIWAKE_HOME'] = world.state
    const interruption = new AbortController()
    let out = ''
    const following = runCli(
      world.root,
      ['inspect', '--text'],
      interruption.signal,
      (text) => (out += text),
    )
    await vi.waitFor(() => expect(out).toMatch(/store +is there: idle/), 10_000)
    interruption.abort()
    const { code, err } = await following
    expect(code).toBe(0)
    expect(err).toMatch(/no link: .*opt-in/)
    expect(out).toMatch(/supervisor +is there: running/)
  })

  it.each([
    [['--format', 'gif'], 'FORMAT_UNKNOWN', 2],
    [['--attach', '1', '--trace', 'x'], 'INSPECT_OPTIONS', 2],
    [['--text', '--format', 'ndjson'], 'INSPECT_OPTIONS', 2],
    [['--port', 'x'], 'PORT_INVALID', 2],
    [['--trace', 'no-such-file'], 'TRACE_ABSENT', 1],
    [['--attach', '4711'], 'BACKGROUND_NOT_RUNNING', 1],
  ])('refuses %j', async (args, code, exit) => {
    const world = await RuntimeWorld.withProject()
    process.env['KITTIWAKE_HOME'] = world.state
    const ended = await runCli(world.root, ['inspect', ...args, '--json'])
    expect(JSON.parse(ended.out)).toMatchObject({ ok: false, error: { code } })
    expect(ended.code).toBe(exit)
  })
})
