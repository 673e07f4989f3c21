// SPDX-License-Identifier: GPL-2.0
/*
 * top on a terminal: curses sends what differs, so that nothing flickers. Neither colours nor
 * lines are drawn, so it is the same on all terminals.
 */
#include <ncurses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include "top.h"

/* At most that many columns of the terminal, whatever the characters are wide. */
static void put_text(int y, int x, int room, const char *text)
{
	mbstate_t state = { };
	const char *p = text;
	int used = 0;

	while (*p) {
		wchar_t c;
		size_t len = mbrtowc(&c, p, MB_CUR_MAX, &state);
		int w = len == (size_t)-1 || len == (size_t)-2 ? -1 : wcwidth(c);

		if (w < 0) {
			/* not of this locale: as a question mark */
			if (used + 1 > room)
				return;
			mvaddch(y, x + used++, '?');
			p++;
			state = (mbstate_t){ };
			continue;
		}
		if (used + w > room)
			return;
		mvaddnstr(y, x + used, p, len);
		used += w;
		p += len;
	}
}

static struct {
	char *name;			/* of the selected container */
	size_t first, nr;		/* first line shown, selected line */
	bool members;			/* of the selected one, in place of the list */
	bool typing;			/* a filter */
	bool frozen;
	const struct snapshot *shown;
} screen;

static void draw_members(int y, int rows, int cols)
{
	const char *path = strstr(screen.name, ":/");
	char *label = xstrndup(screen.name, path - screen.name);
	struct hierarchy *h = top_args.replay ? NULL : hier_find(label);
	struct cont c;
	pid_t *ids;
	ssize_t n;

	free(label);
	mvprintw(y++, 0, "Members of ");
	put_text(y - 1, 11, cols - 11, screen.name);
	if (!h || !cont_at(h, path + 1, &c) || (n = cont_ids(&c, "procs", &ids)) < 0) {
		mvprintw(y, 0, "%s", top_args.replay ? "a record has none" : "it is gone");
		return;
	}
	for (ssize_t i = 0; i < n && y < rows; i++) {
		struct process p;
		char text[128];

		if (!process_get(ids[i], &p))
			continue;
		snprintf(text, sizeof(text), "%8d  %s", p.pid, p.comm);
		put_text(y++, 0, cols, text);
		free(p.comm);
	}
	free(ids);
	cont_free(&c);
}

/* How many columns there is room for, beside some of the name. */
static size_t columns_for(int cols)
{
	size_t n = 0;
	int used = 0;

	while (n < top_args.ncolumns && used + figures[top_args.columns[n]].width + 20 <= cols)
		used += figures[top_args.columns[n++]].width;
	return n;
}

void screen_draw(const struct snapshot *s)
{
	int rows, cols, x = 0;
	struct entry **list;
	char text[160];
	size_t n, room, columns;

	screen.shown = s;
	getmaxyx(stdscr, rows, cols);
	list = chosen(s, &n);
	erase();
	snprintf(text, sizeof(text), "%s%s%scontainers: %zu, 100%% is one of %ld CPUs, every %.1f s%s%s",
		 *top_args.filter || screen.typing ? "filter: " : "", top_args.filter,
		 *top_args.filter || screen.typing ? " | " : "", s->n, s->cpus, top_args.delay / 1000.0,
		 top_args.replay ? " (record)" : "", screen.frozen ? " (frozen)" : "");
	put_text(0, 0, cols, text);
	/* the selected container stays selected wherever it goes */
	for (size_t i = 0; i < n; i++)
		if (screen.name && !strcmp(list[i]->name, screen.name))
			screen.nr = i;
	if (screen.nr >= n)
		screen.nr = n ? n - 1 : 0;
	free(screen.name);
	screen.name = n ? xstrdup(list[screen.nr]->name) : NULL;
	if (screen.members && screen.name) {
		draw_members(1, rows, cols);
		refresh();
		free(list);
		return;
	}
	attron(A_REVERSE);
	mvhline(1, 0, ' ', cols);
	columns = columns_for(cols);
	for (size_t j = 0; j < columns; j++) {
		const struct figure_kind *f = &figures[top_args.columns[j]];

		snprintf(text, sizeof(text), "%*s", f->width, f->name);
		if (f->key == top_args.sort)
			attron(A_BOLD | A_UNDERLINE);
		put_text(1, x, cols - x, text);
		attroff(A_BOLD | A_UNDERLINE);
		x += f->width;
	}
	put_text(1, x + 2, cols - x - 2, "CONTAINER");
	attroff(A_REVERSE);
	room = rows > 3 ? rows - 3 : 1;
	if (screen.nr < screen.first)
		screen.first = screen.nr;
	if (screen.nr >= screen.first + room)
		screen.first = screen.nr - room + 1;
	for (size_t i = screen.first; i < n && i < screen.first + room; i++) {
		int y = 2 + i - screen.first;

		if (i == screen.nr)
			attron(A_BOLD);
		x = 0;
		for (size_t j = 0; j < columns; j++) {
			enum figure f = top_args.columns[j];
			char figure[32];

			cell(figure, sizeof(figure), list[i], f);
			snprintf(text, sizeof(text), "%*s", figures[f].width, figure);
			put_text(y, x, cols - x, text);
			x += figures[f].width;
		}
		if (i == screen.nr)
			put_text(y, x + 1, cols - x - 1, ">");
		put_text(y, x + 2, cols - x - 2, list[i]->name);
		if (i == screen.nr)
			attroff(A_BOLD);
	}
	put_text(rows - 1, 0, cols,
		 "q quit  tcfmrpn sort  / filter  Enter members  Space freeze  +- slower faster");
	refresh();
	free(list);
}

/* False: quit. */
static bool key(int k)
{
	size_t len = strlen(top_args.filter);

	if (screen.typing) {
		if (k == '\n' || k == KEY_ENTER)
			screen.typing = false;
		else if (k == 27)
			screen.typing = false, top_args.filter[0] = '\0';
		else if ((k == KEY_BACKSPACE || k == 127 || k == 8) && len)
			top_args.filter[len - 1] = '\0';
		else if (k >= ' ' && k < 256 && len + 1 < sizeof(top_args.filter))
			top_args.filter[len] = k, top_args.filter[len + 1] = '\0';
		return true;
	}
	switch (k) {
	case 'q':
		if (!screen.members)
			return false;
		screen.members = false;
		break;
	case 't': case 'c': case 'f': case 'm': case 'r': case 'p': case 'n':
		top_args.sort = k;
		break;
	case '/':
		screen.typing = true;
		break;
	case '\n': case KEY_ENTER:
		screen.members = !screen.members;
		break;
	case ' ':
		screen.frozen = !screen.frozen;
		break;
	case '+':
		if (top_args.delay < 60000)
			top_args.delay *= 2;
		break;
	case '-':
		if (top_args.delay > 250)
			top_args.delay /= 2;
		break;
	case KEY_DOWN: case KEY_NPAGE: case KEY_END:
		screen.nr = k == KEY_END ? SIZE_MAX : screen.nr + (k == KEY_DOWN ? 1 : LINES - 3);
		free(screen.name);
		screen.name = NULL;
		break;
	case KEY_UP: case KEY_PPAGE: case KEY_HOME: {
		size_t by = k == KEY_UP ? 1 : LINES - 3;

		screen.nr = k == KEY_HOME || screen.nr < by ? 0 : screen.nr - by;
		free(screen.name);
		screen.name = NULL;
		break;
	}
	}
	return true;
}

bool screen_keys(void)
{
	bool any = false;
	int k;

	timeout(0);
	while ((k = getch()) != ERR) {
		if (!key(k))
			return false;
		any = true;
	}
	if (any && screen.shown)
		screen_draw(screen.shown);
	return true;
}

bool screen_wait(void)
{
	int64_t until = now_ms() + top_args.delay;
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	while (screen_keys()) {
		int64_t left = until - now_ms();

		if (!screen.frozen && left <= 0)
			return true;
		/* a signal that the size has changed ends it, too; that is a key for curses */
		poll(&p, 1, screen.frozen ? -1 : left);
		/* the terminal has gone: no busy loop */
		if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
			return false;
	}
	return false;
}

void screen_begin(void)
{
	if (!newterm(NULL, stdout, stdin))
		die("the terminal %s is not known; --batch does without",
		    getenv("TERM") ? shown(getenv("TERM")) : "(TERM is not set)");
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	set_escdelay(50);
}

void screen_end(void)
{
	endwin();
}
