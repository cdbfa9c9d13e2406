#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
browser.py PROFILE URL STEP... - loads a page in a real, headless Chromium.

Each STEP is one word. They run in order, and a failure ends the program with status 1:

    wait:JS     until the expression is true; 60 seconds at most
    eval:JS     prints its value as a line of JSON
    key:KEY     presses a key: ArrowDown, Enter, Tab ...
    type:TEXT   types into the element that has the focus
    click:CSS   clicks in the middle of the element
    go:URL      loads another page
    size:WxH    sets the size of the window
    media:NAME  `dark`, `light`, `print` or `screen`
    lang:NAME   what the reader prefers, for pages that are loaded from now on
    axe:FILE    prints a line of JSON: what axe-core (this script) finds wrong in the page
    shot:FILE   a picture of the visible part, as PNG;  whole:FILE   of the whole page
    pdf:FILE    prints the page

At the end, always: a line `console: TEXT` for each line of the console (errors
of the network and of the policy are there, too), and `request: URL` for each URL
that was requested. PROFILE is the browser's folder. The browser is controlled
over a pair of pipes (--remote-debugging-pipe), so there is no port and no library.
"""
import base64
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time

DEADLINE_S = 60
KEYS = {'Enter': (13, '\r'), 'Tab': (9, '\t'), 'Escape': (27, ''), 'Home': (36, ''), 'End': (35, ''),
        'PageUp': (33, ''), 'PageDown': (34, ''), 'ArrowLeft': (37, ''), 'ArrowUp': (38, ''),
        'ArrowRight': (39, ''), 'ArrowDown': (40, '')}


class Browser:
    def __init__(self, profile):
        commands, answers = os.pipe(), os.pipe()
        # Chromium reads from descriptor 3 and writes to 4; ours must not be these.
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (commands[0], answers[1])]
        self.write, self.read = commands[1], answers[0]
        self.process = subprocess.Popen(
            ['bash', '-c', f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}', 'bash', 'chromium',
             '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
             '--no-first-run', '--disable-background-networking', '--disable-component-update',
             '--disable-sync', '--disable-extensions', '--disable-default-apps', '--no-pings',
             '--force-color-profile=srgb', '--hide-scrollbars',
             '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
             f'--user-data-dir={profile}', '--remote-debugging-pipe', 'about:blank'],
            pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        for fd in (commands[0], answers[1], *theirs):
            os.close(fd)
        self.number = 0
        self.pending = b''
        self.session = None
        self.console, self.requests = [], []
        targets = self.call('Target.getTargets')['targetInfos']
        target = next(t for t in targets if t['type'] == 'page')
        self.session = self.call('Target.attachToTarget', targetId=target['targetId'],
                                 flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def message(self, until):
        while b'\0' not in self.pending:
            ready, _, _ = select.select([self.read], [], [], max(0, until - time.monotonic()))
            chunk = os.read(self.read, 1 << 20) if ready else b''
            if not chunk:
                raise RuntimeError('the browser does not answer' if not ready else 'the browser has ended')
            self.pending += chunk
        text, self.pending = self.pending.split(b'\0', 1)
        return json.loads(text)

    def call(self, method, **params):
        self.number += 1
        request = {'id': self.number, 'method': method, 'params': params}
        if self.session:
            request['sessionId'] = self.session
        data = json.dumps(request).encode() + b'\0'
        while data:
            data = data[os.write(self.write, data):]
        until = time.monotonic() + DEADLINE_S
        while True:
            message = self.message(until)
            if message.get('id') == self.number:
                if 'error' in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message['result']
            self.event(message)

    def event(self, message):
        method, params = message.get('method'), message.get('params', {})
        if method == 'Runtime.consoleAPICalled':
            self.console.append(' '.join(str(a.get('value', a.get('description')))
                                         for a in params['args']))
        elif method == 'Runtime.exceptionThrown':
            details = params['exceptionDetails']
            self.console.append(details.get('exception', {}).get('description', details['text']))
        elif method == 'Log.entryAdded':
            entry = params['entry']
            self.console.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
        elif method == 'Network.requestWillBeSent':
            self.requests.append(params['request']['url'])

    def evaluate(self, script):
        result = self.call('Runtime.evaluate', expression=script, returnByValue=True,
                           awaitPromise=True)
        if 'exceptionDetails' in result:
            details = result['exceptionDetails']
            raise RuntimeError(f"{script}: {details.get('exception', {}).get('description')}")
        return result['result'].get('value')

    # --- steps ---

    def do_go(self, url):
        self.call('Page.navigate', url=url)

    def do_wait(self, script):
        until = time.monotonic() + DEADLINE_S
        # The page itself checks at every frame, so no timer is needed.
        while not self.evaluate(f'new Promise((done) => requestAnimationFrame(() => done(!!({script}))))'):
            if time.monotonic() > until:
                raise RuntimeError(f'this did not come true: {script}')

    def do_eval(self, script):
        print(json.dumps(self.evaluate(script), ensure_ascii=False))

    def do_key(self, name):
        code, text = KEYS[name]
        for kind in ('keyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=name, code=name,
                      windowsVirtualKeyCode=code, **({'text': text} if text and kind == 'keyDown' else {}))

    def do_type(self, text):
        self.call('Input.insertText', text=text)

    def do_click(self, selector):
        x, y = self.evaluate(f'''(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: 'nearest'}});
            const box = element.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }})()''')
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)

    def do_size(self, size):
        width, height = map(int, size.split('x'))
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def do_media(self, name):
        if name in ('dark', 'light'):
            self.call('Emulation.setEmulatedMedia',
                      features=[{'name': 'prefers-color-scheme', 'value': name}])
        else:
            self.call('Emulation.setEmulatedMedia', media=name)

    def do_lang(self, name):
        agent = self.evaluate('navigator.userAgent')
        self.call('Network.setUserAgentOverride', userAgent=agent, acceptLanguage=name)

    def do_axe(self, path):
        with open(path, encoding='utf-8') as script:
            self.evaluate(script.read() + ';0')
        print(json.dumps(self.evaluate('''axe.run(document, { resultTypes: ['violations'] }).then((found) =>
            found.violations.map((rule) => [rule.id, ...rule.nodes.slice(0, 5).map((node) => node.target.join(' '))]))''')))

    def picture(self, path, **params):
        data = self.call('Page.captureScreenshot', format='png', **params)['data']
        with open(path, 'wb') as out:
            out.write(base64.b64decode(data))

    def do_shot(self, path):
        self.picture(path)

    def do_whole(self, path):
        self.picture(path, captureBeyondViewport=True)

    def do_pdf(self, path):
        with open(path, 'wb') as out:
            out.write(base64.b64decode(self.call('Page.printToPDF', printBackground=True,
                                                 preferCSSPageSize=True)['data']))


def main():
    browser = Browser(sys.argv[1])
    try:
        browser.do_go(sys.argv[2])
        for step in sys.argv[3:]:
            name, argument = step.split(':', 1)
            getattr(browser, f'do_{name}')(argument)
        # All earlier messages come before the answer to this.
        browser.evaluate('new Promise((done) => setTimeout(done))')
        return 0
    except RuntimeError as error:
        print(f'failed: {error}')
        return 1
    finally:
        browser.close()
        for line in browser.console:
            print(f'console: {line}')
        for url in dict.fromkeys(browser.requests):
            print(f'request: {url}')


if __name__ == '__main__':
    sys.exit(main())
