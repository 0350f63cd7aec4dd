import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CLIENT_FRAMES, HUB_FRAMES } from '#dist/contracts/wire/frame-schemas.js'
import { OPEN_ROUTES, ROUTES } from '#dist/hub/http/routes.js'

const ROOT = join(import.meta.dirname, '../..')

type Messages = Record<string, { readonly name: string }>

describe('the wire documents', () => {
  it('name every route and every frame, and are noticed when they are stale', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kittiwake-wire-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const describeWire = (...args: string[]) =>
      spawnSync(
        process.execPath,
        [join(ROOT, 'scripts/describe-wire.mjs'), '--into', folder, ...args],
        { encoding: 'utf8' },
      )
    expect(describeWire().status).toBe(0)
    const names = ['asyncapi.json', 'openapi.json']
    expect(readdirSync(folder)).toEqual(names)
    const [asyncApi, openApi] = names.map((name) => readFileSync(join(folder, name), 'utf8'))
    const { paths } = JSON.parse(openApi ?? '') as { paths: object }
    const routes = [...OPEN_ROUTES, ...ROUTES].map(({ path }) => path)
    expect(Object.keys(paths).toSorted()).toEqual(routes.toSorted())
    const { components } = JSON.parse(asyncApi ?? '') as { components: { messages: Messages } }
    const types = [...Object.keys(CLIENT_FRAMES), ...Object.keys(HUB_FRAMES)]
    const described = Object.values(components.messages).map(({ name }) => name)
    expect(described.toSorted()).toEqual(types.toSorted())
    writeFileSync(join(folder, 'openapi.json'), (openApi ?? '').replace('3.1.1', '3.1.0'))
    const { status, stderr } = describeWire('--check')
    expect([status, stderr]).toEqual([1, 'wire: openapi.json is stale, run `npm run describe`\n'])
  })
})
