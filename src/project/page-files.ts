/** The files of a page: read once from the package, and nothing else is ever served; and what a browser may do with them. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { systemCode } from '../errors.ts'

export type PageFile = { readonly type: string; readonly bytes: Buffer }

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

const PLACEHOLDER = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Kittiwake</title>
<p>The page is not built. Install the package again, or build it with <code>npm run build</code>.
</html>
`

/** By the path that a browser asks for; `/` is the page. */
export function readPageFiles(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const name of namesIn(folder)) {
    const type = TYPES[extname(name)]
    if (type !== undefined) files.set(`/${name}`, { type, bytes: readFileSync(join(folder, name)) })
  }
  const index = files.get('/index.html')
  files.set('/', index ?? { type: 'text/html; charset=utf-8', bytes: Buffer.from(PLACEHOLDER) })
  return files
}

/**
 * Nothing from elsewhere, no style or script in the document, in no frame.
 *
 * @param sockets origins of WebSockets, which not every browser counts as its own
 */
export function pageHeaders(sockets: readonly string[]): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "font-src 'self'",
      ["connect-src 'self'", ...sockets].join(' '),
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
      name.replaceAll('\\', '/'),
    )
  } catch (error) {
    if (systemCode(error) === null) throw error
    return []
  }
}
