// What the camera sees: flat tiles of 16 × 8 pixels, so that one scene draws as YUYV and as a JPEG whose blocks
// are all of one colour, and the counter in it survives compression.
//
// The upper left 256 × 160 pixels are 8 × 5 black or white cells of 32 × 32 pixels: the counter, most significant
// bit first, in four rows, and a row with the exclusive or of its four bytes and a5. Elsewhere there are colour bars
// with a dark column that moves with each picture; a flash turns them white.
#include "device.h"

#include <string.h>

enum { TILE_WIDTH = 16, TILE_HEIGHT = 8, CELL = 32, CELL_COLUMNS = 8, CELL_ROWS = 5 };

// Full-range Y'CbCr, as JPEG has it (JFIF 1.02).
struct colour {
    uint8_t y, cb, cr;
};
static const struct colour black = {0, 128, 128}, white = {255, 128, 128};
static const struct colour bars[] = {{140, 128, 128}, {130, 60, 140}, {110, 150, 60}, {100, 80, 70},
                                     {90, 170, 180},  {80, 100, 200}, {70, 200, 120}, {60, 128, 128}};

static struct colour tile(unsigned column, unsigned row, unsigned columns, uint32_t counter, bool flash) {
    unsigned cell_column = column * TILE_WIDTH / CELL, cell_row = row * TILE_HEIGHT / CELL;
    if (cell_column < CELL_COLUMNS && cell_row < CELL_ROWS) {
        uint8_t bytes[CELL_ROWS] = {counter >> 24, counter >> 16, counter >> 8, counter, 0xa5};
        for (unsigned i = 0; i < CELL_ROWS - 1; i++)
            bytes[CELL_ROWS - 1] ^= bytes[i];
        return bytes[cell_row] >> (CELL_COLUMNS - 1 - cell_column) & 1 ? white : black;
    }
    if (flash)
        return white;
    return column == counter % columns ? black : bars[column * 8 / columns];
}

static unsigned tiles(unsigned pixels, unsigned tile) { return (pixels + tile - 1) / tile; }

size_t draw_yuyv(uint8_t *to, struct picture_size size, uint32_t counter, bool flash) {
    unsigned columns = tiles(size.width, TILE_WIDTH);
    size_t line = (size_t)size.width * 2;
    for (unsigned y = 0; y < size.height; y++) {
        uint8_t *at = to + y * line;
        if (y % TILE_HEIGHT) {
            memcpy(at, at - line, line);
            continue;
        }
        for (unsigned x = 0; x < size.width; x += 2, at += 4) {
            struct colour colour = tile(x / TILE_WIDTH, y / TILE_HEIGHT, columns, counter, flash);
            // Video range (BT.601): Y' 16…235, C 16…240.
            at[0] = at[2] = 16 + colour.y * 219 / 255;
            at[1] = 128 + (colour.cb - 128) * 224 / 255;
            at[3] = 128 + (colour.cr - 128) * 224 / 255;
        }
    }
    return size.height * line;
}

// Entropy-coded bits (ITU-T T.81, F.1.2.3): a ff byte is followed by a stuffed 00.
struct bit_writer {
    uint8_t *at;
    uint32_t bits;
    unsigned count;
};

static void put_bits(struct bit_writer *to, unsigned value, unsigned count) {
    to->bits = to->bits << count | (value & ((1u << count) - 1));
    to->count += count;
    while (to->count >= 8) {
        to->count -= 8;
        uint8_t byte = to->bits >> to->count;
        *to->at++ = byte;
        if (byte == 0xff)
            *to->at++ = 0;
    }
}

// The Huffman tables, shared by all components. DC: the twelve categories, all in four bits. AC: only "end of
// block", one bit, since every block is flat.
static const uint8_t jpeg_tables[] = {
    0xff, 0xc4, 0x00, 0x1f, 0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    0xff, 0xc4, 0x00, 0x14, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0x00,
};

// One flat block (T.81, F.1.2.1): the difference to the component's previous block. The quantiser is 8, and the
// DC coefficient of a flat block is 8 times its level, so one step is one level.
static void put_block(struct bit_writer *to, int level, int *previous) {
    int difference = level - *previous;
    unsigned size = 0;
    *previous = level;
    for (int rest = difference < 0 ? -difference : difference; rest; rest >>= 1)
        size++;
    put_bits(to, size, 4);
    if (size)
        put_bits(to, (unsigned)(difference < 0 ? difference - 1 : difference), size);
    put_bits(to, 0, 1);
}

static uint8_t *put_segment(uint8_t *at, uint8_t marker, const uint8_t *bytes, unsigned count) {
    *at++ = 0xff;
    *at++ = marker;
    *at++ = (count + 2) >> 8;
    *at++ = (count + 2) & 0xff;
    if (bytes)
        memcpy(at, bytes, count);
    else
        memset(at, 0, count);
    return at + count;
}

// A baseline JPEG (T.81), 4:2:2 as cameras send it: a tile is one MCU of Y, Y, Cb, Cr.
size_t draw_jpeg(uint8_t *to, struct picture_size size, uint32_t counter, bool flash) {
    unsigned columns = tiles(size.width, TILE_WIDTH), rows = tiles(size.height, TILE_HEIGHT);
    uint8_t *at = to, quantisers[65] = {0};
    memset(quantisers + 1, 8, 64);
    *at++ = 0xff;
    *at++ = 0xd8;
    at = put_segment(at, 0xe0, (const uint8_t *)"JFIF\0\1\2\0\0\1\0\1\0\0", 14);
    at = put_segment(at, 0xdb, quantisers, sizeof quantisers);
    const uint8_t frame[] = {8, size.height >> 8, size.height, size.width >> 8, size.width,
                             3, 1, 0x21, 0, 2, 0x11, 0, 3, 0x11, 0};
    at = put_segment(at, 0xc0, frame, sizeof frame);
    memcpy(at, jpeg_tables, sizeof jpeg_tables);
    at += sizeof jpeg_tables;
    // Comments, so that the picture weighs what one of a real camera does.
    size_t coded = (size_t)(at - to) + columns * rows * 7 / 2;
    while (coded + 4 < options.jpeg_bytes) {
        size_t room = options.jpeg_bytes - coded - 4;
        unsigned comment = room < 65533 ? (unsigned)room : 65533;
        at = put_segment(at, 0xfe, NULL, comment);
        coded += comment + 4;
    }
    static const uint8_t scan[] = {3, 1, 0, 2, 0, 3, 0, 0, 63, 0};
    at = put_segment(at, 0xda, scan, sizeof scan);

    struct bit_writer bits = {at, 0, 0};
    int y = 0, cb = 0, cr = 0;
    for (unsigned row = 0; row < rows; row++)
        for (unsigned column = 0; column < columns; column++) {
            struct colour colour = tile(column, row, columns, counter, flash);
            put_block(&bits, colour.y - 128, &y);
            put_block(&bits, colour.y - 128, &y);
            put_block(&bits, colour.cb - 128, &cb);
            put_block(&bits, colour.cr - 128, &cr);
        }
    if (bits.count)
        put_bits(&bits, 0xff, 8 - bits.count);
    *bits.at++ = 0xff;
    *bits.at++ = 0xd9;
    return (size_t)(bits.at - to);
}
