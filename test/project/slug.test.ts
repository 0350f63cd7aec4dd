import { expect, test } from 'vitest'
import { directoryNameOf, repoSlugOf, slugOf } from '#dist/project/slug.js'
import { anyText } from '../support/any-text.ts'
import { fc, property } from '../support/property.ts'

// [remote, slug, owner/name]; `folder` is what the folder's name gives.
const ZOO: readonly (readonly [string | null, string, string | null])[] = [
  [null, 'folder', null],
  ['', 'folder', null],
  ['   ', 'folder', null],
  ['git@github.com:Acme/My_Repo.git', 'my-repo', 'Acme/My_Repo'],
  ['https://github.com/Acme/My.Repo', 'my.repo', 'Acme/My.Repo'],
  ['ssh://git@host:2222/acme/app.git', 'app', 'acme/app'],
  ['https://user@host/acme/app.git', 'app', 'acme/app'],
  ['https://host/acme/app/', 'app', 'acme/app'],
  ['https://host/acme/app.git/', 'app', 'acme/app'],
  ['https://host/group/sub/app.git', 'app', 'group/sub/app'],
  ['https://github.com/home/assistant', 'assistant', 'home/assistant'],
  ['https://host/app.git', 'app', null],
  ['https://host/', 'folder', null],
  ['https://host', 'folder', null],
  ['https://ann:s3cret@host/acme/app.git', 'app', 'acme/app'],
  ['https://ann:s3/cret@host/acme/app.git', 'app', 'acme/app'],
  ['https://ann@corp.test:s3/cret@host/acme/app', 'app', 'acme/app'],
  ['https://ann:s3cret@host', 'folder', null],
  ['https://ann:pass/s3cret@host', 'folder', null],
  ['https://s3cret@host/', 'folder', null],
  ['https://ann%40corp.test:s3cret@host/acme/app', 'app', 'acme/app'],
  ['https://host/acme/app?token=s3cret', 'app', 'acme/app'],
  ['https://host/acme/app.git?token=a/s3cret', 'app', 'acme/app'],
  ['https://host/acme/app#s3cret', 'app', 'acme/app'],
  ['https://host/acme/ghp_s3cret', 'folder', null],
  ['https://host/acme/s3cret%40host', 'folder', null],
  ['https://host/acme/a%2Fs3cret', 'folder', null],
  ['https://host/acme/%zz', 'folder', null],
  ['https://dev.test/org/My%20Project/_git/My%20Repo', 'my-repo', 'org/My Project/_git/My Repo'],
  ['git@host:app.git', 'app', null],
  ['ann:s3cret@host:acme/app.git', 'app', 'acme/app'],
  ['git@[::1]:acme/app.git', 'app', 'acme/app'],
  ['ssh://git@[::1]:2222/acme/app.git', 'app', 'acme/app'],
  ['host:/home/ann/app.git', 'app', null],
  ['host:/home/ann', 'folder', null],
  ['host:~ann/app.git', 'app', null],
  ['ssh://host/~ann', 'folder', null],
  ['ssh://host/home/ann.git', 'folder', null],
  ['ssh://host/home/ann/app.git', 'app', null],
  ['/srv/git/app.git', 'app', null],
  ['/srv/git/app/.git', 'app', null],
  ['/home/ann', 'folder', null],
  ['/home/ann/', 'folder', null],
  ['/home/ann/.git', 'folder', null],
  ['/Users/ann.git', 'folder', null],
  ['/root', 'folder', null],
  ['~/app', 'app', null],
  ['~ann', 'folder', null],
  ['../app.git', 'app', null],
  ['..', 'folder', null],
  ['file:///home/ann/app.git', 'app', null],
  ['file:///home/ann', 'folder', null],
  ['file://annhost', 'folder', null],
  ['C:\\Users\\ann\\app', 'app', null],
  ['C:\\Users\\ann', 'folder', null],
  ['C:/Users/ann/app.git', 'app', null],
  ['\\\\server\\share\\app', 'app', null],
  ['ext::sh -c s3cret', 'folder', null],
  ['codecommit::eu://ann@app', 'folder', null],
  ['javascript://x/acme/s3cret', 'folder', null],
  ['https://host/acme/Grün_Zeug.git', 'grün-zeug', 'acme/Grün_Zeug'],
  ['https://host/acme/日本.git', '日本', 'acme/日本'],
  ['https://host/acme/--', '--', 'acme/--'],
  ['https://host/acme/\u0007', 'folder', null],
]

test.each(ZOO)('the remote %j gives the slug %j and the name %j', (url, slug, name) => {
  expect(slugOf(url, 'folder')).toBe(slug)
  expect(repoSlugOf(url)).toBe(name)
})

test('the slug is never blank', () => {
  expect(slugOf(null, '')).toBe('project')
  expect(slugOf('https://host/', ' ')).toBe('project')
  expect(slugOf(null, 'My Project_2')).toBe('my-project-2')
})

test('a home folder gives no name, since its name is its user’s', () => {
  for (const root of ['/home/ann', '/Users/ann', '/root', 'C:\\Users\\ann', '/var/home/ann', '/']) {
    expect(directoryNameOf(root), root).toBe('')
  }
  expect(directoryNameOf('/home/ann/app')).toBe('app')
  expect(directoryNameOf('C:\\Users\\ann\\app')).toBe('app')
})

const word = fc.stringMatching(/^[a-z0-9]{4,10}$/)
property([
  fc.constantFrom('https://', 'http://', 'ssh://', 'git://', 'git+ssh://', ''),
  fc.tuple(word, fc.stringMatching(/^[a-z0-9:/.%-]{0,12}$/)),
  fc.constantFrom('host', 'host:22', '[::1]'),
  fc.array(word, { maxLength: 3 }),
  fc.constantFrom('', '/', '.git', '?token=CANARY', '#CANARY', '/?x=CANARY/CANARY'),
])(
  'no credential reaches the slug or the name, whatever the form (S10)',
  (scheme, [user, rest], host, path, tail) => {
    const separator = scheme === '' ? ':' : '/'
    const url = `${scheme}${user}CANARY:${rest}CANARY@${host}${separator}${path.join('/')}${tail}`
    for (const text of [slugOf(url, 'folder'), repoSlugOf(url) ?? '']) {
      expect(text.toUpperCase()).not.toContain('CANARY')
    }
  },
)

property([anyText(), anyText()])('any text gives a slug that is one plain word', (url, name) => {
  const slug = slugOf(url, name)
  expect(slug).not.toBe('')
  expect(slug).not.toMatch(/[@\s\p{Cc}]/u)
  expect(slugOf(null, slug)).toBe(slug)
})
