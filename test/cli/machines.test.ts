import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { machineDefinitions } from '#dist/inspect/machines.js'
import { runCli } from '../support/cli-in-process.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = (...args: string[]) => runCli(ROOT, ['machines', ...args])

describe('kittiwake machines', () => {
  it('lists them, and draws one in each format', async () => {
    const names = machineDefinitions().map(({ name }) => name)
    const list = await run('--json')
    expect(JSON.parse(list.out)).toMatchObject({
      ok: true,
      machines: names.map((name) => ({ name })),
    })
    expect(
      (await run()).out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(names)
    expect((await run('drain')).out).toMatch(/^drain\n[^]*─ asleep \(initial\)/)
    const kept = readFileSync(join(ROOT, 'docs/machines/drain.mmd'), 'utf8').replaceAll(
      '\r\n',
      '\n',
    )
    expect((await run('drain', '--format', 'mermaid')).out).toBe(kept)
    expect((await run('drain', '--format', 'svg')).out).toMatch(/^<svg [^]*<\/svg>\n$/)
    expect(JSON.parse((await run('drain', '--format', 'json')).out)).toMatchObject({ id: 'drain' })
    const document = JSON.parse((await run('drain', '--format', 'json', '--json')).out)
    expect(document).toMatchObject({ ok: true, name: 'drain', root: { id: 'drain' } })
  })

  it.each([
    [['nowhere'], 'MACHINE_UNKNOWN'],
    [['drain', '--format', 'gif'], 'FORMAT_UNKNOWN'],
    [['--format', 'svg'], 'MACHINE_MISSING'],
  ])('refuses %j', async (args, code) => {
    const { code: exit, out } = await run(...args, '--json')
    expect(exit).toBe(2)
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code } })
  })
})
