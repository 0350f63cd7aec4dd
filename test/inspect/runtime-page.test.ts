/** The inspector within a program: served while its runtime lives, and opened in a browser without telling anybody. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openBrowser } from '#dist/inspect/open-browser.js'
import { RuntimeWorld } from '../support/runtime-world.ts'

describe('createRuntime({ inspect })', () => {
  it('serves a page until the runtime is stopped; without it there is none', async () => {
    const world = await RuntimeWorld.withProject()
    expect((await world.open()).inspectUrl).toBeNull()
    const runtime = await world.open({ inspect: true })
    const url = runtime.inspectUrl ?? ''
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/)
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(303)
    expect(runtime.inspectUrl).not.toBe(url)
    const { port } = new URL(url)
    await expect(world.open({ inspect: { port: Number(port) } })).rejects.toMatchObject({
      code: 'INSPECT_PORT',
    })
    await runtime.stop()
    await expect(fetch(url)).rejects.toThrow()
    // The runtime that could not be opened has left nothing behind.
    const other = await world.open({ inspect: { port: Number(port), allowSend: true } })
    expect(new URL(other.inspectUrl ?? '').port).toBe(port)
  })
})

describe.skipIf(process.platform === 'win32')('the browser', () => {
  const before = process.env['PATH']
  afterEach(() => {
    process.env['PATH'] = before
  })

  it('is given a private file that leads to the page, never the link itself', async () => {
    const world = new RuntimeWorld()
    const bin = join(world.home, 'bin')
    const asked = join(world.home, 'asked')
    mkdirSync(bin)
    for (const name of ['xdg-open', 'open']) {
      writeFileSync(
        join(bin, name),
        `#!/bin/sh\nprintf %s "$*" > "${asked}.part" && mv "${asked}.part" "${asked}"\n`,
      )
      chmodSync(join(bin, name), 0o755)
    }
    process.env['PATH'] = `${bin}:${before}`
    const url = 'http://127.0.0.1:4711/?token=SECRET'
    const { isOpened, dispose } = await openBrowser(url, world.state)
    expect(isOpened).toBe(true)
    await vi.waitFor(() => expect(existsSync(asked)).toBe(true), 5_000)
    const words = readFileSync(asked, 'utf8')
    expect(words).not.toContain('SECRET')
    const file = fileURLToPath(words)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toContain(`content="0;url=${url}"`)
    dispose()
    expect(readdirSync(join(world.state, 'inspect'))).toEqual([])
  })

  it('that is not there is no failure', async () => {
    const world = new RuntimeWorld()
    process.env['PATH'] = world.home
    const { isOpened, dispose } = await openBrowser('http://127.0.0.1:1/', world.state)
    dispose()
    expect(isOpened).toBe(false)
  })
})
